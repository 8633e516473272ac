package store

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Rows of several chunks are read back as they were written, null or not.
func TestChunk(t *testing.T) {
	s, err := Open(Memory)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.exec("create table rows (n uinteger, name varchar, share double)"); err != nil {
		t.Fatal(err)
	}
	name := func(n int) string {
		if n%3 == 0 {
			return ""
		}
		return strings.Repeat("é", n%15)
	}
	rows := 2*vectorSize + 1
	for n := range rows {
		c, err := s.chunk("rows", mapping.TypeUInteger, mapping.TypeVarchar, mapping.TypeDouble)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.row(); err != nil {
			t.Fatal(err)
		}
		*cell[uint32](c, 0) = uint32(n)
		c.text(1, name(n))
		if *cell[float64](c, 2) = float64(n) / 4; n%5 == 0 {
			c.null(2)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	got, err := s.db.Query("select n, name, share from rows order by n")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	n := 0
	for ; got.Next(); n++ {
		var number int
		var text sql.NullString
		var share sql.NullFloat64
		if err := got.Scan(&number, &text, &share); err != nil {
			t.Fatal(err)
		}
		if number != n || text.String != name(n) || text.Valid != (name(n) != "") || share.Valid != (n%5 != 0) || share.Valid && share.Float64 != float64(n)/4 {
			t.Fatalf("row %d is read back as %d, %v, %v", n, number, text, share)
		}
	}
	if n != rows {
		t.Errorf("%d rows are read back, not %d", n, rows)
	}
}

// Memory is not written to as what it is not.
func TestChunkTypes(t *testing.T) {
	s, err := Open(Memory)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, types := range [][]mapping.Type{
		{mapping.TypeUInteger},
		{mapping.TypeUInteger, mapping.TypeBigInt},
		{mapping.TypeUInteger, mapping.TypeVarchar, mapping.TypeVarchar},
	} {
		if _, err := s.chunk("referers", types...); err == nil || !strings.Contains(err.Error(), fmt.Sprint(types)) {
			t.Errorf("columns of types %v: got %v", types, err)
		}
	}
}
