package parsers

// reasonTimeless is that of a request which bears no time, and stands in no envelope
// that has one.
const reasonTimeless = "no time: neither the line nor what stands around it has one"

// timeless is how a parse function under timed rejects a line that lacks nothing but a
// time. It goes no further than the envelope: so one serves all lines.
var timeless error = &Reject{Reason: reasonNoTime}

// timed is enveloped for formats whose lines may lack a time: it says of a line for
// which none was found what is missing.
func timed(parse ParseFunc) ParseFunc {
	read := enveloped(parse)
	return func(line string, f *Fields) error {
		err := read(line, f)
		if err != nil && rejectOf(err).Reason == reasonNoTime {
			return &Reject{Reason: reasonTimeless, Value: line}
		}
		return err
	}
}

// setStamp takes a time stamp, "" if the line has none, as the last that a parse function under
// timed reads.
func (f *Fields) setStamp(stamp string, c *clock) error {
	if stamp == "" {
		return timeless
	}
	var ok bool
	if f.Time, ok = c.read(stamp); !ok {
		return &Reject{Reason: "not a time", Value: stamp}
	}
	return nil
}

// finishTimed is finish for lines that may lack a time: they are rejected as timeless
// once all else of them is in place.
func (p *jsonParser) finishTimed() error {
	if err := p.assemble(); err != nil {
		return err
	}
	if p.f.Time.IsZero() {
		return timeless
	}
	return nil
}
