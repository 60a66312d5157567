package account_test

import (
	"path"
	"strings"
	"testing"

	"sluice/internal/account"
)

// treeOfRights has a drop box, a path that nobody sees, and one that only leads on.
func treeOfRights(t *testing.T) *account.Paths {
	t.Helper()
	p, err := account.NewPaths(
		account.PathRights{Path: "/in", Rights: account.Create},
		account.PathRights{Path: "/pub/secret", Rights: 0},
		account.PathRights{Path: "/pub/secret/open", Rights: account.ReadOnly},
		account.PathRights{Path: "/pub", Rights: account.All},
	)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheLongestPathDecides(t *testing.T) {
	const all = account.All &^ account.Link
	p := treeOfRights(t)
	for _, tt := range []struct {
		name      string
		at, below account.Rights
		sees      bool
	}{
		{"/", account.Read, 0, true},
		{"/f", account.Read, account.Read, true},
		{"/in", account.Create, account.Create, true},
		{"/in/f", account.Create, account.Create, false},
		{"/inside", account.Read, account.Read, true},
		{"/pub", all, 0, true},
		{"/pub/f", all, all, true},
		{"/pub/secret", 0, 0, true}, // it leads to open
		{"/pub/secret/f", 0, 0, false},
		{"/pub/secret/open", account.ReadOnly, account.ReadOnly, true},
		{"/pub/secret/open/f", account.ReadOnly, account.ReadOnly, true},
	} {
		if got := p.At(tt.name, account.Read|account.Link); got != tt.at {
			t.Errorf("At(%s) = %b, want %b", tt.name, got, tt.at)
		}
		if got := p.Below(tt.name, account.Read|account.Link); got != tt.below {
			t.Errorf("Below(%s) = %b, want %b", tt.name, got, tt.below)
		}
		if got := p.Sees(tt.name, account.Read); got != tt.sees {
			t.Errorf("Sees(%s) = %v, want %v", tt.name, got, tt.sees)
		}
	}
	a := account.Account{Rights: account.List, Paths: p}
	if got := a.RightsAt("/in/x"); got != account.Create {
		t.Errorf("RightsAt = %b", got)
	}
	if got := p.Union(0); got != all {
		t.Errorf("Union = %b, want %b: a link could lead from one path to another", got, all)
	}
}

func TestWithoutPathsTheRightsAreTheSameEverywhere(t *testing.T) {
	var none *account.Paths
	if none.At("/x", account.All) != account.All || none.Below("/", account.All) != account.All || none.Union(account.Read) != account.Read || none.All() != nil {
		t.Error("a nil *Paths has rights of its own")
	}
	if !none.Sees("/x", account.Read) || none.Sees("/x", account.Create) || !none.Sees("/", account.Create) || none.Sees("/", 0) {
		t.Error("a nil *Paths shows something else than the rights")
	}
	if allocs := testing.AllocsPerRun(10, func() { none.At("/x", account.All) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestNewPathsRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"": "absolute", "in": `write it as "/in"`, "/in/": `write it as "/in"`, "/a/../in": `write it as "/in"`, "//in": `write it as "/in"`, "/in\x00": "absolute",
	} {
		if _, err := account.NewPaths(account.PathRights{Path: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error about %s", name, err, want)
		}
	}
	if _, err := account.NewPaths(account.PathRights{Path: "/in"}, account.PathRights{Path: "/in"}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a path twice: %v", err)
	}
	if _, err := account.NewPaths(account.PathRights{Path: "/in", Rights: account.Who}); err == nil {
		t.Error("a right that is for no path was accepted")
	}
}

func FuzzPaths(f *testing.F) {
	f.Add("/a/b", "/a/b/c", uint(1), uint(4))
	f.Add("/", "/x", uint(0), uint(127))
	f.Fuzz(func(t *testing.T, at, name string, inside, outside uint) {
		p, err := account.NewPaths(account.PathRights{Path: at, Rights: account.Rights(inside)})
		if err != nil || path.Clean(name) != name || !path.IsAbs(name) {
			return
		}
		isIn := name == at || at == "/" || strings.HasPrefix(name, at+"/")
		want := account.Rights(outside) &^ account.Link
		if isIn {
			want = account.Rights(inside) &^ account.Link
		}
		if got := p.At(name, account.Rights(outside)); got != want {
			t.Errorf("At(%q) of %q = %b, want %b", name, at, got, want)
		}
		if p.At(name, account.Rights(outside))&account.ReadOnly != 0 && !p.Sees(name, account.Rights(outside)) {
			t.Errorf("%q can be listed or read and is not seen", name)
		}
	})
}
