package keyed_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litesoc/litesoc/detect/keyed/keyedtest"
)

// A verdict is a TB that keeps what it is told.
type verdict []string

func (e *verdict) Helper() {}

func (e *verdict) Errorf(format string, args ...any) { *e = append(*e, fmt.Sprintf(format, args...)) }

// check returns what the kit has to say of a subject.
func check(s keyedtest.Subject[*item], items []*item) verdict {
	s.Seed = 7
	var e verdict
	keyedtest.Check(&e, s, items)
	return e
}

// mustPass and mustFail say which of the kit's verdicts is the right one.
func mustPass(t *testing.T, e verdict) {
	t.Helper()
	if len(e) > 0 {
		t.Errorf("the kit finds fault with the sound one:\n%s", strings.Join(e, "\n"))
	}
}

func mustFail(t *testing.T, e verdict) {
	t.Helper()
	if len(e) == 0 {
		t.Error("the kit does not see it")
		return
	}
	t.Logf("%d ways differ; %s", len(e), e[0])
}

// Every defect that an engine was given on purpose is caught by the kit.
func TestKitCatchesEngineDefects(t *testing.T) {
	machines := append(toys(), bounded("few", 4))
	items := crowd(1, 200)
	t.Run("none", func(t *testing.T) { mustPass(t, check(subject("", machines), items)) })
	for _, flaw := range flaws {
		t.Run(flaw, func(t *testing.T) { mustFail(t, check(subject(flaw, machines), items)) })
	}
}

// Keys that push each other out have to do with each other. Alone they do not.
func TestKitTriesEachKeyAlone(t *testing.T) {
	s := keyedtest.Engine(order, bounded("few", 16))
	items := crowd(4, 100)
	for _, i := range items {
		i.Who = neighbours(2)[i.N%2]
	}
	if e := check(s, items); len(e) != 1 || !strings.HasPrefix(e[0], "each key alone: output ") {
		t.Errorf("the kit says %q", e)
	}
	s.Parts = nil
	mustPass(t, check(s, items))
}

func TestKitSaysWhatDiffers(t *testing.T) {
	forgetful := by("watch", func() state { return &hidden{} })
	items := []*item{{At: at(0), Who: "u"}, {At: at(0), Who: "v"}, {At: at(time.Second), Who: "u"}}
	const want = `one item a batch, saved and restored at each (seed 7): output 3 differs:
  plain: 2026-03-01T10:00:01Z watch u {"ID":"watch u","Text":"2"}
  here:  2026-03-01T10:00:01Z watch u {"ID":"watch u","Text":"1"}`
	if e := check(keyedtest.Engine(order, forgetful), items); len(e) == 0 || e[0] != want {
		t.Errorf("the kit says\n%s\nwant\n%s", strings.Join(e, "\n"), want)
	}
}

// The sequence of outputs may be right, and yet each come at the wrong time.
func TestKitWantsPunctuality(t *testing.T) {
	var items []*item
	for n := range 4 {
		items = append(items, &item{At: at(time.Duration(n / 2)), Who: "u"})
	}
	for flaw, want := range map[string]string{
		"": "",
		"released at the end only": `the plain way: released late, after the watermark 2026-03-01T10:00:00.000000002Z:
  2026-03-01T10:00:00Z count u {"ID":"count u","Text":"1"}`,
		"released at the watermark": `one item a batch (seed 7): released early, at the watermark 2026-03-01T10:00:00Z:
  2026-03-01T10:00:00Z count u {"ID":"count u","Text":"1"}`,
	} {
		if e := check(subject(flaw, []*machine{counting()}), items); strings.Join(e[:min(1, len(e))], "") != want {
			t.Errorf("%s: the kit says\n%s\nwant\n%s", flaw, strings.Join(e, "\n"), want)
		}
	}
}

func TestKitWantsItemsInOrder(t *testing.T) {
	items := []*item{{At: at(1), Who: "u"}, {At: at(0), Who: "u"}}
	const want = "item 2 lies before item 1: Check takes items in their order"
	if e := check(keyedtest.Engine(order, counting()), items); len(e) != 1 || e[0] != want {
		t.Errorf("the kit says %q", e)
	}
}

// watcher is a state made of one function over a memory of type M.
type watcher[M any] struct {
	Memory M
	see    func(m *M, i *item, emit func(said))
}

func (s *watcher[M]) Observe(i *item, emit func(said)) { s.see(&s.Memory, i, emit) }

// watch returns a machine whose states begin with no memory.
func watch[M any](see func(m *M, i *item, emit func(said))) *machine {
	return by("watch", func() state { return &watcher[M]{see: see} })
}

func text(emit func(said), args ...any) { emit(said{Text: fmt.Sprint(args...)}) }

// hidden forgets what a checkpoint does not show.
type hidden struct{ n int }

func (s *hidden) Observe(_ *item, emit func(said)) { s.n++; text(emit, s.n) }

// left counts down from three; the broken one omits its memory where it is zero.
type left struct {
	Left int `json:",omitempty"`
}

func (s *left) Observe(_ *item, emit func(said)) { s.Left = max(0, s.Left-1); text(emit, s.Left) }

type leftSound struct{ Left int }

func (s *leftSound) Observe(_ *item, emit func(said)) { s.Left = max(0, s.Left-1); text(emit, s.Left) }

// Every law of states that is broken on purpose is caught by the kit, and the same
// done rightly is not.
func TestKitCatchesStateDefects(t *testing.T) {
	// No machine is set to this zone, so JSON gives no time its name.
	local := time.FixedZone("LMT", 3*3600+7*60)
	var all atomic.Int64
	shared, sharedLock := map[string]bool{}, sync.Mutex{}

	for _, tt := range []struct {
		name          string
		broken, sound *machine
	}{
		{
			"memory in an unexported field",
			by("watch", func() state { return &hidden{} }),
			watch(func(n *int, _ *item, emit func(said)) { *n++; text(emit, *n) }),
		}, {
			"memory that is left out where it is zero",
			by("watch", func() state { return &left{3} }),
			by("watch", func() state { return &leftSound{3} }),
		}, {
			"an output in the order of a map",
			watch(func(m *map[string]bool, i *item, emit func(said)) {
				if *m == nil {
					*m = map[string]bool{}
				}
				(*m)[strings.Clone(i.What)] = true
				text(emit, slices.Collect(maps.Keys(*m)))
			}),
			watch(func(m *map[string]bool, i *item, emit func(said)) {
				if *m == nil {
					*m = map[string]bool{}
				}
				(*m)[strings.Clone(i.What)] = true
				text(emit, slices.Sorted(maps.Keys(*m)))
			}),
		}, {
			"an item kept",
			watch(func(last **item, i *item, emit func(said)) {
				if *last != nil {
					text(emit, (*last).N)
				}
				*last = i
			}),
			watch(func(last *item, i *item, emit func(said)) {
				if last.N != 0 {
					text(emit, last.N)
				}
				*last = item{N: i.N}
			}),
		}, {
			"text of an item kept",
			watch(func(last *string, i *item, emit func(said)) { text(emit, *last); *last = i.What }),
			watch(func(last *string, i *item, emit func(said)) { text(emit, *last); *last = strings.Clone(i.What) }),
		}, {
			"an output that shares memory with the state",
			watch(func(last *[]string, i *item, emit func(said)) {
				*last = append((*last)[:0], strings.Clone(i.What))
				emit(said{List: *last})
			}),
			watch(func(last *[]string, i *item, emit func(said)) {
				*last = append((*last)[:0], strings.Clone(i.What))
				emit(said{List: slices.Clone(*last)})
			}),
		}, {
			"a global counter",
			watch(func(_ *int, _ *item, emit func(said)) { text(emit, all.Add(1)) }),
			watch(func(n *int, _ *item, emit func(said)) { *n++; text(emit, *n) }),
		}, {
			"memory shared by keys",
			watch(func(_ *int, i *item, emit func(said)) {
				sharedLock.Lock()
				defer sharedLock.Unlock()
				if i.What == "a" {
					shared[strings.Clone(i.Who)] = true
				}
				if i.What == "b" {
					clear(shared)
				}
				text(emit, len(shared))
			}),
			watch(func(n *int, i *item, emit func(said)) {
				if i.What == "a" {
					*n = 1
				}
				if i.What == "b" {
					*n = 0
				}
				text(emit, *n)
			}),
		}, {
			"an id shared by keys",
			func() *machine {
				m := watch(func(n *int, i *item, emit func(said)) { *n++; text(emit, i.Who, *n) })
				m.Seal = func(_ string, o *said) { o.ID = "watch" }
				return m
			}(),
			watch(func(n *int, i *item, emit func(said)) { *n++; text(emit, i.Who, *n) }),
		}, {
			"a key that depends on the items before",
			func() *machine {
				m := counting()
				var seen atomic.Int64
				m.Group = &group{Key: func(_ *item, b []byte) []byte { return fmt.Append(b, seen.Add(1)%3) }}
				return m
			}(),
			func() *machine {
				m := counting()
				m.Group = &group{Key: func(i *item, b []byte) []byte { return fmt.Append(b, i.N%3) }}
				return m
			}(),
		}, {
			"the clock of the machine",
			watch(func(_ *int, _ *item, emit func(said)) { text(emit, time.Now().UnixNano()) }),
			watch(func(_ *int, i *item, emit func(said)) { text(emit, i.At.UnixNano()) }),
		}, {
			"chance",
			watch(func(_ *int, _ *item, emit func(said)) { text(emit, rand.Uint64()) }),
			watch(func(_ *int, i *item, emit func(said)) { text(emit, rand.New(rand.NewPCG(1, uint64(i.N))).Uint64()) }),
		}, {
			"a float that is no number",
			watch(func(least *float64, i *item, _ func(said)) { *least = math.Inf(i.N) }),
			watch(func(sum *float64, i *item, emit func(said)) { *sum += 1 / float64(i.N); text(emit, *sum) }),
		}, {
			"a number whose type is lost",
			watch(func(sum *any, i *item, emit func(said)) {
				n, _ := (*sum).(int)
				*sum = n + i.N
				text(emit, *sum)
			}),
			watch(func(sum *int, i *item, emit func(said)) { *sum += i.N; text(emit, *sum) }),
		}, {
			"a time whose location is lost",
			watch(func(last *time.Time, i *item, emit func(said)) {
				text(emit, last.Format(time.RFC1123))
				*last = i.At.In(local)
			}),
			watch(func(last *time.Time, i *item, emit func(said)) {
				text(emit, last.Format(time.RFC1123))
				*last = i.At.UTC()
			}),
		}, {
			"times compared with ==",
			watch(func(last *time.Time, i *item, emit func(said)) {
				text(emit, *last == i.At.In(local))
				*last = i.At.In(local)
			}),
			watch(func(last *time.Time, i *item, emit func(said)) { text(emit, last.Equal(i.At)); *last = i.At }),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			items := crowd(2, 200)
			mustFail(t, check(keyedtest.Engine(order, tt.broken), items))
			mustPass(t, check(keyedtest.Engine(order, tt.sound), items))
		})
	}
}
