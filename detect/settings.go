package detect

import (
	"fmt"
	"strconv"
	"time"
)

// A setting that makes no sense is refused when it is set, so that no state has to
// think of it. maxCount also bounds what states remember, and maxSpan how long rules
// remember an event that may be told again. What is usual for a key is remembered for
// longer: for history, which is no setting.
const (
	maxCount = 10_000
	maxSpan  = 7 * 24 * time.Hour
)

// count adds a setting that is a whole number from 1 to maxCount.
func (d *Detector) count(name string, value int, usage string) *int {
	n := countSetting(value)
	d.Flags.Var(&n, name, usage)
	return (*int)(&n)
}

// span adds a setting that is a time from one second to maxSpan.
func (d *Detector) span(name string, value time.Duration, usage string) *time.Duration {
	s := spanSetting(value)
	d.Flags.Var(&s, name, usage)
	return (*time.Duration)(&s)
}

type countSetting int

func (n *countSetting) String() string { return strconv.Itoa(int(*n)) }

func (n *countSetting) Set(s string) error {
	v, err := strconv.Atoi(s)
	if err != nil || v < 1 || v > maxCount {
		return fmt.Errorf("want a whole number from 1 to %d", maxCount)
	}
	*n = countSetting(v)
	return nil
}

type spanSetting time.Duration

func (d *spanSetting) String() string { return time.Duration(*d).String() }

func (d *spanSetting) Set(s string) error {
	v, err := time.ParseDuration(s)
	if err != nil || v < time.Second || v > maxSpan {
		return fmt.Errorf("want a time from 1s to %v, like 90s or 10m", maxSpan)
	}
	*d = spanSetting(v)
	return nil
}
