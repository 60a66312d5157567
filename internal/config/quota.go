package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sluice/internal/account"
)

// QuotaOptions bound what users may write.
type QuotaOptions struct {
	Bytes   Bytes   // below the home of each user without a quota of its own; 0: no limit
	Files   int     // the same for the number of files and directories
	File    Bytes   // of each file that such a user writes; 0: no limit
	Reserve Reserve // of the disk, which uploads leave free
}

// Reserve is a number of bytes, or a part of the disk such as 5%. It implements pflag.Value.
type Reserve struct {
	Bytes   int64
	Percent float64 // of the size of the disk, instead of Bytes
}

// Set parses a reserve.
func (r *Reserve) Set(text string) error {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(text), "%")
	if percent, err := strconv.ParseFloat(strings.TrimSpace(number), 64); isPercent && err == nil && percent >= 0 && percent < 100 {
		*r = Reserve{Percent: percent}
		return nil
	}
	var n Bytes
	if n.Set(text) != nil {
		return fmt.Errorf("%q is neither a size nor a part of the disk; write it like 1GiB or 5%%", text)
	}
	*r = Reserve{Bytes: int64(n)}
	return nil
}

func (r Reserve) String() string {
	if r.Percent > 0 {
		return fmt.Sprintf("%g%%", r.Percent)
	}
	return Bytes(r.Bytes).String()
}

// Type names such a value in the help.
func (*Reserve) Type() string { return "size" }

// checkQuota is Check for quotas.
func (c Config) checkQuota() error {
	if c.Quota.Files < 0 {
		return fmt.Errorf("--quota-files %d is negative", c.Quota.Files)
	}
	return nil
}

// HasQuota reports whether any user has a quota, or may have one by an AuthProgram.
func (c Config) HasQuota() bool {
	if c.Quota.Bytes > 0 || c.Quota.Files > 0 || c.Quota.File > 0 || c.AuthProgram.Path != "" {
		return true
	}
	for _, u := range c.Users {
		if !u.Account.Quota.IsZero() {
			return true
		}
	}
	return false
}

// quotaOf returns the quota of a user of the file.
func (c Config) quotaOf(u User) account.Quota {
	limit := u.Account.Quota
	if !u.HasQuota {
		limit.Bytes = int64(c.Quota.Bytes)
	}
	if !u.HasQuotaFiles {
		limit.Files = int64(c.Quota.Files)
	}
	if !u.HasMaxFileSize {
		limit.FileBytes = int64(c.Quota.File)
	}
	return limit
}

func (u *User) setQuota(value any) error {
	var size Bytes
	if err := size.Set(fmt.Sprint(value)); err != nil { // whole numbers too
		return errors.New(`write it as a number of bytes, such as "10GiB"; 0: no limit`)
	}
	u.HasQuota, u.Account.Quota.Bytes = true, int64(size)
	return nil
}

func (u *User) setMaxFileSize(value any) error {
	var size Bytes
	if err := size.Set(fmt.Sprint(value)); err != nil {
		return errors.New(`write it as a number of bytes, such as "1GiB"; 0: no limit`)
	}
	u.HasMaxFileSize, u.Account.Quota.FileBytes = true, int64(size)
	return nil
}

func (u *User) setQuotaFiles(value any) error {
	n, ok := value.(int64)
	if !ok || n < 0 || n > math.MaxInt32 {
		return errors.New("write it as a number of files and directories, such as 10000; 0: no limit")
	}
	u.HasQuotaFiles, u.Account.Quota.Files = true, n
	return nil
}
