//go:build unix

package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// helper is the process that opens files, at the other end of a socket.
//
// A request is three bytes: the operation and the index of a name in the list that the helper
// got at its start. A reply is four bytes, the errno, with a descriptor if that is 0. The
// helper accepts nothing else, so an attacker who controls the server can request nothing
// else.
type helper struct {
	cmd *exec.Cmd

	mu   sync.Mutex // guards the fields below
	conn *net.UnixConn
}

// HelperArgument is the only argument of the helper. The main function calls RunHelper first.
const HelperArgument = "open-files-for-serve"

// StartFiles starts the helper, which is this program itself. Call it before Contain. The helper
// keeps the user and the rights that the process has now; Landlock limits them to the
// directories of the files. It ends when the process ends, because its socket is closed then.
// PR_SET_PDEATHSIG would not do: it is sent when the thread that started the helper ends.
//
// If named is empty, StartFiles returns nil.
func StartFiles(named NamedFiles) (*Files, error) {
	if len(named.Read) == 0 && len(named.Remove) == 0 {
		return nil, nil
	}
	f := &Files{named: named}
	if err := f.helper.start(HelperArgument, named); err != nil { // else it is sandboxed now
		return nil, fmt.Errorf("start the helper for files: %w", err)
	}
	return f, nil
}

// start starts this program as a helper with the argument, sends it setup, and waits until it
// is ready.
func (h *helper) start(argument string, setup any) error {
	text, err := json.Marshal(setup)
	if err != nil {
		return err
	}
	ours, theirs, err := socketpair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	_ = ours.Close()
	if err != nil {
		return err
	}
	h.conn = conn.(*net.UnixConn)
	h.cmd = &exec.Cmd{
		Path: self(), Args: []string{os.Args[0], argument},
		Env:        []string{}, // it may hold passwords
		ExtraFiles: []*os.File{theirs},
		Stderr:     os.Stderr,
	}
	if err := h.cmd.Start(); err != nil {
		_ = conn.Close()
		return err
	}
	length := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	if _, err = conn.Write(append(length, text...)); err == nil {
		_, err = h.readReply()
	}
	if err != nil {
		_ = h.close()
	}
	return err
}

// socketpair returns both ends of a connection, which other programs do not inherit.
func socketpair() (a, b *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	return os.NewFile(uintptr(fds[0]), "helper"), os.NewFile(uintptr(fds[1]), "server"), nil
}

// request sends a request and waits for the reply.
func (h *helper) request(op byte, index int, name string) (*os.File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.conn.Write([]byte{op, byte(index >> 8), byte(index)}); err != nil {
		return nil, fmt.Errorf("the helper has ended: %w", err)
	}
	fd, err := h.readReply()
	if err != nil || fd < 0 {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// readReply reads a reply; fd is -1 if it has no descriptor.
func (h *helper) readReply() (fd int, err error) {
	status, rights := make([]byte, 4), make([]byte, syscall.CmsgSpace(4))
	n, nrights, _, _, err := h.conn.ReadMsgUnix(status, rights)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err == nil && n < len(status) {
		_, err = io.ReadFull(h.conn, status[n:])
	}
	if err != nil {
		return -1, fmt.Errorf("the helper has ended: %w", err)
	}
	fd = receivedFD(rights[:nrights])
	if errno := binary.BigEndian.Uint32(status); errno != 0 {
		if fd >= 0 {
			_ = syscall.Close(fd)
		}
		return -1, syscall.Errno(errno)
	}
	return fd, nil
}

// receivedFD returns the descriptor in a control message, or -1. Package net has set its
// close-on-exec flag.
func receivedFD(rights []byte) int {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) == 0 {
		return -1
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return -1
	}
	return fds[0]
}

func (h *helper) close() error {
	_ = h.conn.Close() // this ends the helper
	return h.cmd.Wait()
}

// RunHelper runs the helper for files or that for a program and exits, if this process was
// started as one; else it returns.
func RunHelper() {
	if len(os.Args) != 2 {
		return
	}
	var what string
	var serve func(*net.UnixConn) error
	switch os.Args[1] {
	case HelperArgument:
		what, serve = "files", serveHelper
	case RunnerArgument:
		what, serve = "programs", serveRunner
	default:
		return
	}
	conn, err := connToServer()
	if err == nil {
		err = serve(conn)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sluice: the helper for %s: %v\n", what, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// connToServer returns the connection to the process that has started this one.
func connToServer() (*net.UnixConn, error) {
	file := os.NewFile(3, "server")
	c, err := net.FileConn(file)
	_ = file.Close()
	if conn, ok := c.(*net.UnixConn); ok && err == nil {
		return conn, nil
	}
	return nil, errors.New("only \"sluice serve\" starts it")
}

// signalsOfTerminals are sent to all foreground processes of a terminal. A helper must not
// end by them, because only the server ends it.
var signalsOfTerminals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// serveHelper serves the parent process until that ends.
func serveHelper(conn *net.UnixConn) error {
	signal.Ignore(signalsOfTerminals...)
	var named NamedFiles
	if err := readSetup(conn, &named); err != nil {
		return err
	}
	containHelper(named)
	if err := writeReply(conn, nil, nil); err != nil {
		return err
	}
	request := make([]byte, 3)
	for {
		switch _, err := io.ReadFull(conn, request); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		f, err := named.handle(request[0], int(request[1])<<8|int(request[2]))
		if err := writeReply(conn, f, err); err != nil {
			return err
		}
	}
}

// readSetup reads what helper.start has sent.
func readSetup(r io.Reader, setup any) error {
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length); err != nil {
		return err
	}
	text := make([]byte, binary.BigEndian.Uint32(length))
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	return json.Unmarshal(text, setup)
}

// handle carries out a request. It returns a file for opOpen.
func (n NamedFiles) handle(op byte, index int) (*os.File, error) {
	switch {
	case op == opOpen && index < len(n.Read):
		return openRegular(n.Read[index])
	case op == opRemove && index < len(n.Remove):
		return nil, removeSocket(n.Remove[index])
	}
	return nil, syscall.EINVAL
}

// openRegular opens a regular file. A FIFO, whose open would block, is refused.
func openRegular(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, syscall.EINVAL
	}
	return f, nil
}

func removeSocket(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return syscall.EINVAL
	}
	return os.Remove(name)
}

// writeReply sends a reply with f, which may be nil, and closes f.
func writeReply(conn *net.UnixConn, f *os.File, err error) error {
	var status [4]byte
	if err != nil {
		errno := syscall.EIO
		_ = errors.As(err, &errno)
		binary.BigEndian.PutUint32(status[:], uint32(errno))
		_, err := conn.Write(status[:])
		return err
	}
	if f == nil {
		_, err := conn.Write(status[:])
		return err
	}
	defer f.Close()
	_, _, err = conn.WriteMsgUnix(status[:], syscall.UnixRights(int(f.Fd())), nil)
	return err
}
