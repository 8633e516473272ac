package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/litesoc/litesoc/detect/keyed"
)

// The detectors' memory is many short texts that resemble each other: they are kept
// together and compressed, a tenth of the size and of the rows that they would be alone.

// statesPerRow is about how many bytes of states make a row of checkpoint_states.
const statesPerRow = 256 << 10

// mostUnpacked is how many bytes a row may hold: many times what the largest does, and less than
// a file that was made to do harm would like.
const mostUnpacked = 256 << 20

// rowsAhead is how many rows of states are compressed beside what is written.
const rowsAhead = 2

// A stateRow is a row of states that is being compressed.
type stateRow struct {
	packed     []byte
	compressed chan []byte
}

// SaveStates keeps the pipeline's memory: the pieces that save yields, in their order. It is
// called once after BeginResults. Nothing of a piece is used after yield has returned, and save
// runs beside what writes them.
func (s *Store) SaveStates(save func(yield func(stage string, st keyed.Saved) error) error) error {
	if s.zstd == nil {
		var err error
		if s.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(rowsAhead),
			zstd.WithWindowSize(statesPerRow)); err != nil {
			return err
		}
	}
	rows, spare := make(chan stateRow, rowsAhead), make(chan []byte, rowsAhead)
	g, ctx := errgroup.WithContext(context.Background())
	g.Go(func() error {
		defer close(rows)
		var packed []byte
		write := func() error {
			row := stateRow{packed, make(chan []byte, 1)}
			go func() { row.compressed <- s.zstd.EncodeAll(row.packed, make([]byte, 0, len(row.packed)/4)) }()
			packed = nil
			select {
			case packed = <-spare:
			default:
			}
			select {
			case rows <- row:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := save(func(stage string, st keyed.Saved) error {
			if packed = packState(packed, stage, st); len(packed) < statesPerRow {
				return nil
			}
			return write()
		})
		if err != nil || len(packed) == 0 {
			return err
		}
		return write()
	})
	g.Go(func() error {
		for n := int64(1); ; n++ {
			row, more := <-rows
			if !more {
				return nil
			}
			if err := s.append("checkpoint_states", n, <-row.compressed); err != nil {
				return err
			}
			select {
			case spare <- row.packed[:0]:
			default:
			}
		}
	})
	return g.Wait()
}

// States yields the memory that belongs to the checkpoint.
func (s *Store) States(yield func(stage string, st keyed.Saved) error) error {
	return readStates(s.db, yield)
}

// States is Store.States for a store that is only read.
func (q *Query) States(yield func(stage string, st keyed.Saved) error) error {
	return readStates(q.db, yield)
}

func readStates(db *sql.DB, yield func(stage string, st keyed.Saved) error) error {
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostUnpacked))
	if err != nil {
		return err
	}
	defer unzip.Close()
	return each(db, `select packed from checkpoint_states order by seq`, func(rows *sql.Rows) error {
		var row sql.RawBytes
		if err := rows.Scan(&row); err != nil {
			return err
		}
		packed, err := unzip.DecodeAll(row, nil)
		for err == nil && len(packed) > 0 {
			var stage string
			var st keyed.Saved
			if stage, st, packed, err = unpackState(packed); err == nil {
				err = yield(stage, st)
			}
		}
		return err
	})
}

// packState appends a state to b. unpackState takes it off again.
func packState(b []byte, stage string, st keyed.Saved) []byte {
	b = packText(b, stage)
	b = packText(b, st.Machine)
	b = packText(b, st.Key)
	b = binary.AppendVarint(b, st.Last.UnixMicro())
	return packText(b, st.State)
}

func packText[T ~string | ~[]byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

var errStates = errors.New("the detectors' memory cannot be read")

// unpackState returns the first state of b, which the state keeps, and what follows it.
func unpackState(b []byte) (stage string, st keyed.Saved, rest []byte, err error) {
	var texts [4][]byte
	for i := range texts {
		if i == 3 {
			at, n := binary.Varint(b)
			if n <= 0 {
				return "", st, nil, errStates
			}
			st.Last, b = time.UnixMicro(at).UTC(), b[n:]
		}
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return "", st, nil, fmt.Errorf("%w: %d bytes are left", errStates, len(b))
		}
		end := n + int(length)
		texts[i], b = b[n:end:end], b[end:]
	}
	st.Machine, st.Key, st.State = string(texts[1]), string(texts[2]), texts[3]
	return string(texts[0]), st, b, nil
}
