package admin

import "runtime"

// onLinux is set where the system reports everything.
const onLinux = runtime.GOOS == "linux"
