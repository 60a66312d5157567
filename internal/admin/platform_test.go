package admin

import "runtime"

// onLinux says that the system tells all that is asked for.
const onLinux = runtime.GOOS == "linux"
