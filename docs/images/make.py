#!/usr/bin/env python3
"""Makes the pictures of README.md: listing.png and top.png.

    go build -o bin/sluice ./cmd/sluice && docs/images/make.py

It needs root, chromium, curl and tmux. A server and its clients run in a
network namespace, with addresses that are reserved for documentation.
"""
import html, os, re, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sluice = os.path.join(here, "../../bin/sluice")
columns, lines = 112, 11

if "inside" not in sys.argv:
    os.execvp("unshare", ["unshare", "--net", sys.executable, os.path.abspath(__file__), "inside"])


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def shoot(url, name, width, height):
    run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
        f"--user-data-dir={tmp}/chromium", f"--window-size={width},{height}", f"--screenshot={here}/{name}", url)


def to_html(screen):
    """Turns the escape sequences for bold, faint, reverse and the 16 colours into HTML."""
    colours = "#1d1f21 #cc6666 #8fbf6f #e0b060 #7aa6da #b294bb #70c0b1 #d0d0d0".split()
    out, style, reverse = [], {}, {}
    for text in re.split(r"(\x1b\[[0-9;]*m)", screen):
        codes = re.fullmatch(r"\x1b\[([0-9;]*)m", text)
        if not codes:
            css = ";".join(f"{k}:{v}" for k, v in (style | reverse).items())
            out.append(f'<span style="{css}">{html.escape(text)}</span>')
            continue
        for code in map(int, (codes[1] or "0").split(";")):
            if code in (0, 39):
                style = {} if code == 0 else {k: v for k, v in style.items() if k != "color"}
                reverse = reverse if code else {}
            elif code in (1, 2):
                style |= {"font-weight": "bold"} if code == 1 else {"opacity": "0.6"}
            elif code == 7:
                reverse = {"background": colours[7], "color": colours[0]}
            elif 30 <= code <= 37 or 90 <= code <= 97:
                style["color"] = colours[code % 10]
    return "".join(out)


with tempfile.TemporaryDirectory() as tmp:
    os.chmod(tmp, 0o755)
    pub = f"{tmp}/pub"
    for days, size, name in [
        (1, 0, "archive/"), (12, 0, "photos/"), (1, 0, "scans/"), (30, 12_604, "README.txt"),
        (75, 4_402_341_888, "debian-13.2.0-amd64-DVD-1.iso"), (75, 703_594_496, "debian-13.2.0-amd64-netinst.iso"),
        (9, 1_811_939_328, "harbour-timelapse-4k.mkv"), (21, 88_246_112, "lecture-07-sockets.flac"),
        (2, 1_204_551, "quarterly-report.pdf"), (2, 96_733_184, "website-backup.tar.zst"), (40, 2_310, "Größentabelle.csv"),
    ]:
        path = f"{pub}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not name.endswith("/"):
            open(path, "wb").truncate(size)
        then = 1_795_000_000 - days * 86_400 + size % 86_400
        os.utime(path, (then, then))
    run("chmod", "-R", "a+rwX", pub)

    run("ip", "link", "set", "lo", "up")
    for host in (10, 21, 34, 47, 58, 66):
        run("ip", "addr", "add", f"192.0.2.{host}/32", "dev", "lo")

    hash_ = subprocess.run([sluice, "passwd"], input="secret\n", check=True, capture_output=True, text=True).stdout
    with open(f"{tmp}/sluice.toml", "w") as f:
        f.write(f'http = "192.0.2.10:80"\nhttps = "192.0.2.10:443"\nftp = "192.0.2.10:21"\nadmin = "127.0.0.1:9180"\n'
                f'tls-self-signed = true\nftp-active-local = true\nrun-as = "root"\n[user.scanner]\n{hash_}rights = ["list", "create"]\n'
                f'[user.backup]\n{hash_}max-rate = "5MB"\n[user.alice]\n{hash_}rights = ["all"]\n')
    children = [subprocess.Popen([sluice, "serve", "--config", f"{tmp}/sluice.toml", pub], stdout=subprocess.DEVNULL, stderr=open(f"{tmp}/log", "w"))]
    try:
        time.sleep(2)
        https, browser = "https://192.0.2.10/", ["-H", "Accept: text/html", "-H", "Sec-Fetch-Mode: navigate"]
        run("curl", "-skf", "-c", f"{tmp}/cookies", "-d", "username=alice&password=secret", *browser, https + "?login")
        run("curl", "-skf", "-b", f"{tmp}/cookies", *browser, "-o", f"{tmp}/listing.html", https)  # what alice sees
        shoot(f"file://{tmp}/listing.html", "listing.png", 820, 570)

        open(f"{tmp}/scan-0042.pdf", "wb").truncate(60_000_000)
        iso, http = "debian-13.2.0-amd64-DVD-1.iso", "http://192.0.2.10/"
        for host, *args in [
            (21, "--limit-rate", "11M", http + iso),
            (34, "--limit-rate", "2M", http + "harbour-timelapse-4k.mkv"),
            (47, "--limit-rate", "40K", http + "quarterly-report.pdf"),
            (58, "-u", "backup:secret", "ftp://192.0.2.10/website-backup.tar.zst"),
            (66, "--limit-rate", "900K", "-u", "scanner:secret", "-T", f"{tmp}/scan-0042.pdf", "ftp://192.0.2.10/scans/"),
            (66, "-k", "--limit-rate", "3M", "https://192.0.2.10/lecture-07-sockets.flac"),
        ]:
            children.append(subprocess.Popen(["curl", "-s", "--interface", f"192.0.2.{host}", "-o", "/dev/null", *args]))
        tmux = ["tmux", "-S", f"{tmp}/tmux", "-f", "/dev/null"]
        run(*tmux, "new-session", "-d", "-x", str(columns), "-y", str(lines), f"COLORTERM= {sluice} top")
        time.sleep(12)
        screen = run(*tmux, "capture-pane", "-e", "-p")
        run(*tmux, "kill-server")
        with open(f"{tmp}/top.html", "w") as f:
            f.write('<meta charset="utf-8"><body style="margin:0;background:#1d1f21;color:#d0d0d0">'
                    f'<pre style="font:14px/20px DejaVu Sans Mono,monospace;margin:12px 14px">{to_html(screen)}</pre>')
        shoot(f"file://{tmp}/top.html", "top.png", round(columns * 8.43) + 28, lines * 20 + 24)
        print(re.sub(r"\x1b\[[0-9;]*m", "", screen))
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait()
