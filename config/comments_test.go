package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write comments.json")

// TestComments compares comments.json with the comments in the sources, or with
// -update writes it.
func TestComments(t *testing.T) {
	text, err := json.MarshalIndent(sourceComments(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile("comments.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile("comments.json")
	if err != nil || !bytes.Equal(kept, text) {
		t.Errorf("comments.json is not what the sources say (%v): run go generate ./config", err)
	}
}

// sourceComments reads the sources of this package and of all providers.
func sourceComments(t *testing.T) map[string]string {
	t.Helper()
	dirs, err := filepath.Glob("../dns01/*")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, dir := range append(dirs, ".") {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if !strings.HasSuffix(name, "_test.go") {
				structComments(t, name, path.Join("certctl/config", filepath.ToSlash(dir)), found)
			}
		}
	}
	return found
}

func structComments(t *testing.T, file, pkg string, found map[string]string) {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range syntax.Decls {
		types, ok := declaration.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			spec := spec.(*ast.TypeSpec)
			if s, ok := spec.Type.(*ast.StructType); ok && configures(s) {
				name := pkg + "." + spec.Name.Name
				note(found, name, spec.Doc, types.Doc)
				for _, f := range s.Fields.List {
					for _, fieldName := range f.Names {
						if fieldName.IsExported() {
							note(found, name+"."+fieldName.Name, f.Doc, f.Comment)
						}
					}
				}
			}
		}
	}
}

// configures reports whether a struct is read from the configuration.
func configures(s *ast.StructType) bool {
	for _, f := range s.Fields.List {
		if f.Tag != nil && strings.Contains(f.Tag.Value, "yaml:") {
			return true
		}
	}
	return false
}

func note(found map[string]string, name string, groups ...*ast.CommentGroup) {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			found[name] = text
			return
		}
	}
}
