package keyed

import "time"

// An instant is a time.Time without its place: seconds since 1970 and nanoseconds. It takes
// less room and is cheaper to compare, which is done at every step.
type instant struct {
	sec  int64
	nsec int32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), int32(t.Nanosecond())} }

// time returns the instant in UTC.
func (i instant) time() time.Time { return time.Unix(i.sec, int64(i.nsec)).UTC() }

func (i instant) before(j instant) bool {
	return i.sec < j.sec || i.sec == j.sec && i.nsec < j.nsec
}

// add returns the instant that is later by d, which is not negative.
func (i instant) add(d time.Duration) instant {
	i.sec += int64(d / time.Second)
	if i.nsec += int32(d % time.Second); i.nsec >= int32(time.Second) {
		i.sec++
		i.nsec -= int32(time.Second)
	}
	return i
}
