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
	leastMemory   memory = 256 << 20
)

// heap is what the heap keeps to as long as what lives fits.
func (m memory) heap() memory { return cmp.Or(m, defaultMemory) / 2 }

// database is DuckDB's own limit, which it exceeds at times.
func (m memory) database() memory { return cmp.Or(m, defaultMemory) / 4 }

// keys is how many keys each detector remembers: of those whose keys are addresses few
// fill up at a time, with some hundred bytes a key.
func (m memory) keys() int { return int(min(cmp.Or(m, defaultMemory)/2048, math.MaxInt32)) }

// memoryUnits stand with the shorter after the longer that ends like them.
var memoryUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"GB", 1e9}, {"MB", 1e6}, {"G", 1 << 30}, {"M", 1 << 20}}

func (m *memory) Type() string { return "size" }

func (m memory) String() string {
	for _, u := range memoryUnits[:2] {
		if n := int64(m); n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(m), 10)
}

// Set reads a size such as 512MiB or 2GB.
func (m *memory) Set(s string) error {
	number, unit := strings.TrimSpace(s), int64(1)
	for _, u := range memoryUnits {
		if rest, ok := strings.CutSuffix(strings.ToLower(number), strings.ToLower(u.name)); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/unit || memory(n*unit) < leastMemory {
		return fmt.Errorf("want a size of %s or more, like 512MiB or 2GiB", leastMemory)
	}
	*m = memory(n * unit)
	return nil
}

// UnmarshalYAML reads the size from the config.
func (m *memory) UnmarshalYAML(text []byte) error {
	return m.Set(strings.Trim(strings.TrimSpace(string(text)), `"'`))
}
