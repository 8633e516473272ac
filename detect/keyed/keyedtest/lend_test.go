package keyedtest

import (
	"slices"
	"testing"
)

type visit struct {
	Who   string
	Count int
	Log   *string // shared with others: left alone
	own   int
}

func TestLend(t *testing.T) {
	log := "access.log"
	mine := visit{"u", 1, &log, 7}

	t.Run("pointers", func(t *testing.T) {
		items := []*visit{&mine, nil}
		lent, takeBack := lend(items)
		if lent[0] == &mine || *lent[0] != mine || lent[1] != nil {
			t.Fatalf("lent %+v", lent)
		}
		kept, text := lent[0], lent[0].Who
		takeBack()
		if want := (visit{"?", 0, &log, 7}); *kept != want || text != "?" {
			t.Errorf("who kept the item reads %+v, its text %q; want %+v", *kept, text, want)
		}
	})
	t.Run("values", func(t *testing.T) {
		lent, takeBack := lend([]visit{mine})
		text := lent[0].Who
		takeBack()
		if text != "?" {
			t.Errorf("who kept the text reads %q", text)
		}
	})
	t.Run("numbers", func(t *testing.T) {
		lent, takeBack := lend([]int{1, 2})
		takeBack()
		if !slices.Equal(lent, []int{1, 2}) {
			t.Errorf("lent %v", lent)
		}
	})
	if (mine != visit{"u", 1, &log, 7}) || log != "access.log" {
		t.Errorf("what was lent is now %+v of %s", mine, log)
	}
}
