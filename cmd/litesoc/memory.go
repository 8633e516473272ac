package main

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// memory is how much of it a run may take, in bytes: the value of --memory. It is divided
// among the heap, the database and the keys that detectors remember. 0 means defaultMemory.
type memory int64

// Bounds of --memory. A flush of the database needs a part of the least.
const (
	defaultMemory memory = 512 << 20
	leastMemory   memory = 256e6 // so that 256M will do, too
)

// heap is what the heap keeps to as long as what lives fits.
func (m memory) heap() memory { return cmp.Or(m, defaultMemory) / 2 }

// database is DuckDB's own limit, which it exceeds at times.
func (m memory) database() memory { return cmp.Or(m, defaultMemory) / 4 }

// keys is how many keys each detector remembers: of those whose keys are addresses few
// fill up at a time, with some hundred bytes a key.
func (m memory) keys() int { return int(min(cmp.Or(m, defaultMemory)/2048, math.MaxInt32)) }

// sizeUnits are the units of sizes, each after those that end like it. What has no i in it
// is a power of 1000.
var sizeUnits = []struct {
	name  string
	bytes float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"B", 1}, {"", 1}}

// parseSize reads a number of bytes such as 2GB or 500MiB.
func parseSize(text string) (int64, error) {
	lower := strings.ToLower(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(lower, strings.ToLower(u.name)); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err != nil || !(n > 0 && n*u.bytes < 1<<60) {
				break
			}
			return int64(n * u.bytes), nil
		}
	}
	return 0, fmt.Errorf("%q is no size", text)
}

func (m *memory) Type() string { return "size" }

func (m memory) String() string {
	switch {
	case m%(1<<30) == 0:
		return strconv.FormatInt(int64(m>>30), 10) + "GiB"
	case m%(1<<20) == 0:
		return strconv.FormatInt(int64(m>>20), 10) + "MiB"
	case m%1e6 == 0:
		return strconv.FormatInt(int64(m/1e6), 10) + "MB"
	}
	return strconv.FormatInt(int64(m), 10)
}

// Set reads a size such as 512MiB or 2GB.
func (m *memory) Set(s string) error {
	n, err := parseSize(s)
	if err != nil || memory(n) < leastMemory {
		return fmt.Errorf("want a size of %s or more, like 512MiB or 2GiB", leastMemory)
	}
	*m = memory(n)
	return nil
}

// UnmarshalYAML reads the size from the config.
func (m *memory) UnmarshalYAML(text []byte) error {
	return m.Set(strings.Trim(strings.TrimSpace(string(text)), `"'`))
}
