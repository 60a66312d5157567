# pyftpdlib for anonymous users, who may store files.
#
# An event loop in one process for each processor is the fastest of its models
# without a thread or process for each client.
# max_cons: the default of 512 is less than some loads need.
# ac_out_buffer_size: the default of 64 KiB is the size of each sendfile.
import logging

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

${if AccessLog}logging.basicConfig(level=logging.INFO, filename="${Work}/access.log")
${if no AccessLog}logging.basicConfig(level=logging.ERROR)

authorizer = DummyAuthorizer()
authorizer.add_anonymous("${Dir}", perm="elradfmwMT")

FTPHandler.authorizer = authorizer
FTPHandler.use_sendfile = True
FTPHandler.timeout = 600

server = FTPServer(("${Host}", ${Port}), FTPHandler, backlog=4096)
server.max_cons = 10000
server.serve_forever(worker_processes=${Workers})
