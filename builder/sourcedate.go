package builder

import (
	"strconv"
	"time"

	"wheelwright/fault"
)

// lastSecond is the end of the year 9999, the last that RFC 3339 can write.
const lastSecond = 253402300799

// sourceDate is the time an image claims to be made: SOURCE_DATE_EPOCH
// (seconds since 1970, reproducible-builds.org specification) or 1970-01-01.
func sourceDate(env func(string) string) (time.Time, error) {
	s := env("SOURCE_DATE_EPOCH")
	if s == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > lastSecond {
		return time.Time{}, fault.New(fault.Input, "SOURCE_DATE_EPOCH is %q, not a count of seconds since 1970", s).Try("unset it, or set it to the output of: git log -1 --format=%%ct")
	}
	return time.Unix(n, 0).UTC(), nil
}
