package report

import _ "embed"

// JSONSchema describes what JSON writes, by the rules of https://json-schema.org, draft
// 2020-12. A test makes it of the types of a Report and of what is said of their fields.
//
//go:embed schema.json
var JSONSchema string
