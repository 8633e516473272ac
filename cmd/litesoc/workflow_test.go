package main

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A workflow is what we need of a workflow of GitHub Actions.
type workflow struct {
	On          any
	Name        string
	Permissions map[string]string
	Jobs        map[string]struct {
		RunsOn  string `yaml:"runs-on"`
		Timeout int    `yaml:"timeout-minutes"`
		Steps   []step
	}
}

type step struct {
	Name, Uses, Run, If string
	With                map[string]any
}

// The workflow of the README does what is said of it: it passes when all is accepted,
// fails when something is new, and leaves its files in either case.
func TestWorkflowOfReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := blocks(string(text), "yml")
	if len(found) != 1 {
		t.Fatalf("%d workflows in the README, want 1", len(found))
	}
	w := readWorkflow(t, []byte(found[0]))
	demo, err := os.ReadFile("../../testdata/demo/access.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sh := func(script string) error {
		cmd := exec.Command("bash", "-e", "-c", script) // as a runner does
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s: %v\n%s", script, err, out)
		}
		return err
	}
	put("access.log.gz", demo)
	for _, c := range []struct {
		name, accepted string
		fails          bool
	}{
		{"all is accepted", "litesoc scan --quiet access.log.gz >/dev/null && litesoc accept --reason known accepted.yaml", false},
		{"one is new", "rm accepted.yaml && litesoc accept --reason known --incident $(litesoc sql --output csv 'select id from incidents order by first_ts limit 1' | tail -1) accepted.yaml", true},
	} {
		if err := sh(c.accepted); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"summary", "litesoc.sarif", "litesoc.xml", "litesoc.md"} {
			os.Remove(filepath.Join(dir, name))
		}
		failed, ran := false, 0
		for _, s := range w.Jobs["logs"].Steps {
			if s.Run == "" || s.Name == "Install" || s.Name == "Fetch the log" || failed && s.If != "always()" {
				continue
			}
			ran++
			if sh(s.Run) != nil {
				failed = true
			}
		}
		if failed != c.fails || ran < 2 {
			t.Errorf("%s: failed %t, want %t; %d steps ran", c.name, failed, c.fails, ran)
		}
		read := func(name string) []byte {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			return b
		}
		if summary := string(read("summary")); !strings.HasPrefix(summary, "#") {
			t.Errorf("%s: summary %.80q", c.name, summary)
		}
		if err := xml.Unmarshal(read("litesoc.xml"), new(struct{})); err != nil {
			t.Errorf("%s: JUnit: %v", c.name, err)
		}
		if !json.Valid(read("litesoc.sarif")) {
			t.Errorf("%s: the SARIF is no JSON", c.name)
		}
	}
}

// The workflows of this project are what GitHub Actions can read.
func TestOwnWorkflows(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows: %q, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		readWorkflow(t, text)
	}
}

func readWorkflow(t *testing.T, text []byte) workflow {
	t.Helper()
	var w workflow
	if err := yaml.UnmarshalWithOptions(text, &w, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if w.On == nil || len(w.Jobs) == 0 {
		t.Fatal("a workflow needs 'on' and 'jobs'")
	}
	for name, job := range w.Jobs {
		if job.RunsOn == "" || len(job.Steps) == 0 {
			t.Errorf("job %s says not where it runs, or has no steps", name)
		}
		for i, s := range job.Steps {
			if (s.Uses == "") == (s.Run == "") {
				t.Errorf("job %s: step %d: either 'uses' or 'run'", name, i+1)
			}
		}
	}
	return w
}
