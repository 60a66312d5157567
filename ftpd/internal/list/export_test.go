package list

import (
	"io/fs"

	"sluice/internal/account"
)

// Perm returns the fact "perm" of a file or directory for a user with rights.
func Perm(rights account.Rights, info fs.FileInfo, name, kind string) string {
	v := View{Rights: rights}
	return string(v.appendPerm(nil, &Item{Info: info, Name: name, Type: kind}))
}

// MaxGlobDirs is the limit of Expand.
const MaxGlobDirs = maxGlobDirs
