package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/litesoc/litesoc/detect"
	"github.com/litesoc/litesoc/detect/keyed"
	"github.com/litesoc/litesoc/report/store"
)

// A snapshot is the detectors' memory as of a time, packed.
type snapshot struct {
	at       time.Time // all requests before it had been judged, and no other
	settings string
	ready    bool  // nothing before at can come any more
	size     int64 // unpacked
	packed   bytes.Buffer
}

// piece is one piece of the memory.
type piece struct {
	Stage string
	keyed.Saved
}

func takeSnapshot(p *detect.Pipeline, at time.Time, settings string) (*snapshot, error) {
	s := &snapshot{at: at, settings: settings}
	packer, err := zstd.NewWriter(&s.packed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	enc := gob.NewEncoder(packer)
	err = p.Save(func(stage string, saved keyed.Saved) error {
		s.size += int64(len(saved.State))
		return enc.Encode(piece{stage, saved})
	})
	if err != nil {
		return nil, fmt.Errorf("save what the detectors remember: %w", err)
	}
	return s, packer.Close()
}

// each yields the pieces in their order.
func (s *snapshot) each(yield func(piece) error) error {
	unpacker, err := zstd.NewReader(bytes.NewReader(s.packed.Bytes()), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer unpacker.Close()
	dec := gob.NewDecoder(unpacker)
	for {
		var p piece
		err := dec.Decode(&p)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := yield(p); err != nil {
			return err
		}
	}
}

// load gives the memory to a pipeline that has none.
func (s *snapshot) load(p *detect.Pipeline) error {
	return s.each(func(m piece) error { return p.Load(m.Stage, m.Saved) })
}

// write makes it the checkpoint, in the running transaction.
func (s *snapshot) write(to *store.Store) error {
	if err := to.BeginResults(s.at, s.settings, false); err != nil {
		return err
	}
	return to.SaveStates(func(yield func(string, keyed.Saved) error) error {
		return s.each(func(m piece) error { return yield(m.Stage, m.Saved) })
	})
}
