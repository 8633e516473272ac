package store

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

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

// states are pieces of memory that are yet to be written.
type states struct {
	packed []byte     // in the order in which they were given
	ahead  []stateRow // those before them
	spare  []byte     // memory for more
	rows   int64      // written of this checkpoint
	zstd   *zstd.Encoder
}

// A stateRow is a row of states that is being compressed.
type stateRow struct {
	packed     []byte
	compressed chan []byte
}

// reset forgets what is not written.
func (st *states) reset() { st.packed, st.ahead = st.packed[:0], nil }

// SaveState keeps one piece of the pipeline's memory, in the order of the calls.
func (s *Store) SaveState(stage string, st keyed.Saved) error {
	p := packState(s.states.packed, stage, st)
	if s.states.packed = p; len(p) < statesPerRow {
		return nil
	}
	return s.packStates(rowsAhead)
}

// writeStates hands the states to the running transaction.
func (s *Store) writeStates() error { return s.packStates(0) }

// packStates makes a row of the states at hand, and hands over all rows but so many.
func (s *Store) packStates(ahead int) (err error) {
	st := &s.states
	if len(st.packed) > 0 {
		if st.zstd == nil {
			st.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(rowsAhead),
				zstd.WithWindowSize(statesPerRow))
			if err != nil {
				return err
			}
		}
		row := stateRow{st.packed, make(chan []byte, 1)}
		go func() { row.compressed <- st.zstd.EncodeAll(row.packed, nil) }()
		st.ahead = append(st.ahead, row)
		st.packed, st.spare = st.spare[:0], nil
	}
	for len(st.ahead) > ahead {
		st.rows++
		if err := s.append("checkpoint_states", st.rows, <-st.ahead[0].compressed); err != nil {
			return err
		}
		st.spare = st.ahead[0].packed
		st.ahead = st.ahead[1:]
	}
	return nil
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
