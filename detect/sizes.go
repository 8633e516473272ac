package detect

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds of settings that are larger than a count.
const (
	maxRecords = 1_000_000_000
	maxSize    = 1 << 50 // 1 PiB
)

// records adds a setting that is a number of records from 1 to maxRecords.
func (d *Detector) records(name string, value int64, usage string) *int64 {
	n := recordsSetting(value)
	d.Flags.Var(&n, name, usage)
	return (*int64)(&n)
}

// size adds a setting that is a number of bytes from 1 to maxSize, written like 1GiB,
// 500MB or 4096.
func (d *Detector) size(name string, value int64, usage string) *int64 {
	n := sizeSetting(value)
	d.Flags.Var(&n, name, usage)
	return (*int64)(&n)
}

type recordsSetting int64

func (n *recordsSetting) String() string { return strconv.FormatInt(int64(*n), 10) }

func (n *recordsSetting) Set(s string) error {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 1 || v > maxRecords {
		return fmt.Errorf("want a whole number from 1 to %d", maxRecords)
	}
	*n = recordsSetting(v)
	return nil
}

type sizeSetting int64

// sizeUnits stand with the largest first; those that are powers of 1024 before the
// others, and those that end another last.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

func (n *sizeSetting) String() string {
	for _, u := range sizeUnits {
		if v := int64(*n); v%u.bytes == 0 {
			return strconv.FormatInt(v/u.bytes, 10) + u.name
		}
	}
	return "" // not reached: every size is a whole number of bytes
}

func (n *sizeSetting) Set(s string) error {
	number, unit := strings.TrimSpace(s), int64(1)
	for _, u := range sizeUnits {
		if rest := len(number) - len(u.name); rest >= 0 && strings.EqualFold(number[rest:], u.name) {
			number, unit = strings.TrimSpace(number[:rest]), u.bytes
			break
		}
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v < 1 || v > maxSize/unit {
		return fmt.Errorf("want a size from 1 byte to 1024TiB, like 500MB or 1GiB")
	}
	*n = sizeSetting(v * unit)
	return nil
}

// bytesInWords is a number of bytes as one reads it: "512 B", "1.5 GiB".
func bytesInWords(n int64) string {
	for _, u := range sizeUnits[:4] {
		if n >= u.bytes {
			return strconv.FormatFloat(float64(n)/float64(u.bytes), 'f', 1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}
