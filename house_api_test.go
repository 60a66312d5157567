package sluice_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestPublicAPI(t *testing.T) { report(t, checkPublicAPI(os.DirFS("."))) }

// checkPublicAPI requires that users of a public package can name every type in
// its API. An exported declaration may name a type of an internal package only if
// the public package declares an exported alias of it. The exported fields and
// methods of such a type then belong to the API, and the same rule applies to them.
//
// It reads declarations without type checking, because that covers the files of
// all platforms at once. If a variable has no declared type, the type is derived
// from its value: from calls, conversions, literals and names, but not from
// fields, methods or elements.
func checkPublicAPI(tree fs.FS) (complaints []string) {
	files, complaints := sources(tree, parser.SkipObjectResolution)
	pkgs := make(map[string]*apiPackage)
	for folder, files := range byFolder(files) {
		pkgs[path.Join(thisModule, folder)] = newAPIPackage(folder, slices.DeleteFunc(files, source.isTest))
	}
	for _, pkg := range pkgs {
		if isPublic(pkg.folder) {
			w := apiWalk{pkgs: pkgs, public: pkg, aliases: make(map[typeName]bool), followed: make(map[typeName]bool)}
			complaints = append(complaints, w.check()...)
		}
	}
	slices.Sort(complaints)
	return slices.Compact(complaints) // a field that names a type twice gives one complaint
}

// isPublic reports whether other programs are meant to import the package in folder.
func isPublic(folder string) bool {
	top, _, _ := strings.Cut(folder, "/")
	return !isInternal(folder) && !slices.Contains([]string{"cmd", "bench", "testdata", "tools"}, top)
}

// isInternal reports whether the go command hides a package from other modules.
func isInternal(importPath string) bool {
	return slices.Contains(strings.Split(importPath, "/"), "internal")
}

// An apiPackage holds the declarations of a package, by name. A name has several
// declarations if platforms differ.
type apiPackage struct {
	folder  string
	types   map[string][]typeDecl
	methods map[string][]funcDecl // by the name of the receiver's type
	funcs   map[string][]funcDecl
	values  map[string][]valueDecl
}

type typeDecl struct {
	*apiFile
	spec *ast.TypeSpec
}

type funcDecl struct {
	*apiFile
	*ast.FuncDecl
}

type valueDecl struct {
	*apiFile
	name  *ast.Ident
	typ   ast.Expr // nil: the type of value
	value ast.Expr // may be nil
	nth   int      // index into the results of value
}

// An apiFile resolves the names in one file.
type apiFile struct {
	source
	pkg     *apiPackage
	imports map[string]string // import path by local name
}

// A typeName is a type of this module.
type typeName struct{ importPath, name string }

func (n typeName) String() string { return n.importPath + "." + n.name }

func newAPIPackage(folder string, files []source) *apiPackage {
	pkg := &apiPackage{
		folder: folder,
		types:  make(map[string][]typeDecl), methods: make(map[string][]funcDecl),
		funcs: make(map[string][]funcDecl), values: make(map[string][]valueDecl),
	}
	for _, s := range files {
		f := &apiFile{s, pkg, make(map[string]string)}
		for _, spec := range s.file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value) // the parser has seen to the quotes
			name := path.Base(imported)                     // correct for the packages of this module
			if spec.Name != nil {
				name = spec.Name.Name
			}
			f.imports[name] = imported
		}
		for _, decl := range s.file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil {
					pkg.funcs[decl.Name.Name] = append(pkg.funcs[decl.Name.Name], funcDecl{f, decl})
				} else if receiver, ok := bare(decl.Recv.List[0].Type).(*ast.Ident); ok {
					pkg.methods[receiver.Name] = append(pkg.methods[receiver.Name], funcDecl{f, decl})
				}
			case *ast.GenDecl:
				pkg.add(f, decl)
			}
		}
	}
	return pkg
}

// add adds the types, constants and variables of a declaration.
func (pkg *apiPackage) add(f *apiFile, decl *ast.GenDecl) {
	var last *ast.ValueSpec
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			pkg.types[spec.Name.Name] = append(pkg.types[spec.Name.Name], typeDecl{f, spec})
		case *ast.ValueSpec:
			if spec.Type != nil || spec.Values != nil || decl.Tok == token.VAR {
				last = spec // a constant with neither repeats the previous type and values
			}
			for i, name := range spec.Names {
				v := valueDecl{apiFile: f, name: name, typ: last.Type}
				switch {
				case i < len(last.Values):
					v.value = last.Values[i]
				case len(last.Values) == 1:
					v.value, v.nth = last.Values[0], i
				}
				pkg.values[name.Name] = append(pkg.values[name.Name], v)
			}
		}
	}
}

// bare returns a type without its pointers, parentheses and type arguments.
func bare(e ast.Expr) ast.Expr {
	switch t := e.(type) {
	case *ast.StarExpr:
		return bare(t.X)
	case *ast.ParenExpr:
		return bare(t.X)
	case *ast.IndexExpr:
		return bare(t.X)
	case *ast.IndexListExpr:
		return bare(t.X)
	}
	return e
}

// An apiWalk visits every type that the API of one public package mentions.
type apiWalk struct {
	pkgs       map[string]*apiPackage
	public     *apiPackage
	aliases    map[typeName]bool // internal types that public has exported aliases of
	followed   map[typeName]bool
	depth      int // bounds recursion in code that does not compile, such as a type that is an alias of itself
	complaints []string
}

// A place is where the API mentions a type: the text for complaints, and the
// file and type parameters that names are resolved with.
type place struct {
	*apiFile
	label    string       // such as Handler.Tree
	position string       // such as httpd/handler.go:20
	params   []*ast.Ident // type parameters in scope
}

// at returns the place of a declaration in f.
func (f *apiFile) at(label string, name ast.Node) place {
	return place{apiFile: f, label: label, position: fmt.Sprintf("%s:%d", f.name, f.fset.Position(name.Pos()).Line)}
}

// member returns the place of a field or method of the type declared at p.
func (p place) member(name *ast.Ident) place {
	m := p.at(p.label+"."+name.Name, name)
	m.params = p.params
	return m
}

func (w *apiWalk) check() []string {
	self := path.Join(thisModule, w.public.folder)
	for name, decls := range w.public.types {
		for _, d := range decls {
			if _, isPointer := d.spec.Type.(*ast.StarExpr); isPointer || !d.spec.Assign.IsValid() || !ast.IsExported(name) {
				continue // an alias of *T does not name T
			}
			if target, ok := w.target(d.apiFile, d.spec.Type); ok && isInternal(target.importPath) {
				w.aliases[target] = true
			}
		}
	}
	for name := range w.public.types {
		if ast.IsExported(name) {
			w.follow(typeName{self, name})
		}
	}
	for name, decls := range w.public.funcs {
		for _, d := range decls {
			if ast.IsExported(name) {
				w.signature(d.at(name, d.Name), d.Type)
			}
		}
	}
	for name, decls := range w.public.values {
		for _, d := range decls {
			if ast.IsExported(name) {
				for _, t := range w.valueTypes(d) {
					p := d.at(name, d.name)
					p.apiFile, p.params = t.apiFile, t.params
					w.visit(p, t.expr)
				}
			}
		}
	}
	return w.complaints
}

// follow visits the fields and methods of a type.
func (w *apiWalk) follow(n typeName) {
	pkg := w.pkgs[n.importPath]
	if w.followed[n] || pkg == nil {
		return
	}
	w.followed[n] = true
	for _, d := range pkg.types[n.name] {
		p := d.at(n.name, d.spec.Name)
		p = w.typeParams(p, d.spec.TypeParams)
		if _, ok := w.target(d.apiFile, d.spec.Type); ok && isInternal(n.importPath) {
			w.promote(p, d.spec.Type) // users see its fields, but not the type that defines it
		} else {
			w.visit(p, d.spec.Type)
		}
	}
	for _, d := range pkg.methods[n.name] {
		if d.Name.IsExported() {
			p := d.at(n.name+"."+d.Name.Name, d.Name)
			ast.Inspect(d.Recv, func(node ast.Node) bool { // T of (s *Set[T])
				if id, ok := node.(*ast.Ident); ok && id.Name != n.name {
					p.params = append(p.params, id)
				}
				return true
			})
			w.signature(p, d.Type)
		}
	}
}

// promote visits the fields and methods of an embedded type whose own name is
// not exported.
func (w *apiWalk) promote(p place, e ast.Expr) {
	for _, arg := range typeArguments(p.apiFile, e) {
		w.visit(p, arg.expr)
	}
	if n, ok := w.target(p.apiFile, e); ok {
		w.follow(n)
	}
}

func (w *apiWalk) signature(p place, f *ast.FuncType) {
	p = w.typeParams(p, f.TypeParams)
	for _, list := range []*ast.FieldList{f.Params, f.Results} {
		if list != nil {
			for _, field := range list.List {
				w.visit(p, field.Type)
			}
		}
	}
}

// typeParams visits the constraints of type parameters and returns p with those
// parameters in scope.
func (w *apiWalk) typeParams(p place, list *ast.FieldList) place {
	if list == nil {
		return p
	}
	p.params = slices.Clone(p.params)
	for _, field := range list.List {
		p.params = append(p.params, field.Names...)
	}
	for _, field := range list.List {
		w.visit(p, field.Type)
	}
	return p
}

func (p place) isParam(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && slices.ContainsFunc(p.params, func(param *ast.Ident) bool { return param.Name == id.Name })
}

// visit visits all names in a type expression.
func (w *apiWalk) visit(p place, e ast.Expr) {
	switch t := e.(type) {
	case *ast.Ident, *ast.SelectorExpr:
		if n, ok := w.resolve(p.apiFile, t); ok && !p.isParam(t) {
			w.named(p, n)
		}
	case *ast.ParenExpr:
		w.visit(p, t.X)
	case *ast.StarExpr:
		w.visit(p, t.X)
	case *ast.Ellipsis:
		w.visit(p, t.Elt)
	case *ast.ArrayType:
		w.visit(p, t.Elt)
	case *ast.ChanType:
		w.visit(p, t.Value)
	case *ast.MapType:
		w.visit(p, t.Key)
		w.visit(p, t.Value)
	case *ast.IndexExpr, *ast.IndexListExpr:
		w.visit(p, bare(t))
		for _, arg := range typeArguments(p.apiFile, t) {
			w.visit(p, arg.expr)
		}
	case *ast.UnaryExpr: // ~T
		w.visit(p, t.X)
	case *ast.BinaryExpr: // T | U
		w.visit(p, t.X)
		w.visit(p, t.Y)
	case *ast.FuncType:
		w.signature(p, t)
	case *ast.StructType:
		w.members(p, t.Fields)
	case *ast.InterfaceType:
		w.members(p, t.Methods)
	}
}

// members visits the exported fields of a struct or methods of an interface, and
// the embedded types.
func (w *apiWalk) members(p place, list *ast.FieldList) {
	for _, field := range list.List {
		for _, name := range field.Names {
			if name.IsExported() {
				w.visit(p.member(name), field.Type)
			}
		}
		if len(field.Names) > 0 {
			continue
		}
		var name *ast.Ident
		switch t := bare(field.Type).(type) {
		case *ast.Ident:
			name = t
		case *ast.SelectorExpr:
			name = t.Sel
		default: // a union
			w.visit(p, field.Type)
			continue
		}
		if name.IsExported() {
			w.visit(p.member(name), field.Type)
		} else {
			w.promote(p, field.Type)
		}
	}
}

// named checks a mention of a type of this module, at p.
func (w *apiWalk) named(p place, n typeName) {
	if !isInternal(n.importPath) && ast.IsExported(n.name) {
		return // users can name it, and its own package is checked too
	}
	if aliases := w.aliasesOf(n); len(aliases) > 0 {
		if w.depth++; w.depth < 100 {
			for _, d := range aliases {
				p.apiFile = d.apiFile // resolve names there; complaints keep the position of the mention
				w.visit(w.typeParams(p, d.spec.TypeParams), d.spec.Type)
			}
		}
		w.depth--
		return
	}
	switch {
	case !isInternal(n.importPath) || w.aliases[n]:
		w.follow(n)
	case !ast.IsExported(n.name):
		w.complaints = append(w.complaints, fmt.Sprintf("%s: %s names %v, which is not exported, so that %s cannot declare an alias of it: use another type",
			p.position, p.label, n, w.public.folder))
	default:
		w.complaints = append(w.complaints, fmt.Sprintf("%s: %s names %v: declare an alias in %s or use another type",
			p.position, p.label, n, w.public.folder))
	}
}

// aliasesOf returns the declarations of n if it is an alias.
func (w *apiWalk) aliasesOf(n typeName) []typeDecl {
	if w.pkgs[n.importPath] == nil {
		return nil
	}
	decls := slices.Clone(w.pkgs[n.importPath].types[n.name])
	return slices.DeleteFunc(decls, func(d typeDecl) bool { return !d.spec.Assign.IsValid() })
}

// resolve returns the type of this module that a name refers to in a file.
func (w *apiWalk) resolve(f *apiFile, e ast.Expr) (n typeName, ok bool) {
	switch t := e.(type) {
	case *ast.Ident:
		if f.pkg.types[t.Name] != nil {
			return typeName{path.Join(thisModule, f.pkg.folder), t.Name}, true
		}
		if dot := w.pkgs[f.imports["."]]; dot != nil && dot.types[t.Name] != nil {
			return typeName{f.imports["."], t.Name}, true
		}
	case *ast.SelectorExpr:
		if x, isIdent := t.X.(*ast.Ident); isIdent && strings.HasPrefix(f.imports[x.Name], thisModule+"/") {
			return typeName{f.imports[x.Name], t.Sel.Name}, true
		}
	}
	return typeName{}, false
}

// target resolves a name like resolve, and follows pointers and aliases.
func (w *apiWalk) target(f *apiFile, e ast.Expr) (n typeName, ok bool) {
	for range 100 { // a longer chain is an alias of itself
		if n, ok = w.resolve(f, bare(e)); !ok {
			return n, false
		}
		aliases := w.aliasesOf(n)
		if len(aliases) == 0 {
			return n, true
		}
		f, e = aliases[0].apiFile, aliases[0].spec.Type
	}
	return typeName{}, false
}

// A typeExpr is a type expression with the file to resolve its names in.
type typeExpr struct {
	*apiFile
	expr   ast.Expr
	params []*ast.Ident // type parameters of the function that returns it
}

// valueTypes returns the types that a variable or constant may have, or none if
// they cannot be derived.
func (w *apiWalk) valueTypes(d valueDecl) []typeExpr {
	if d.typ != nil {
		return []typeExpr{{d.apiFile, d.typ, nil}}
	}
	return w.typesOf(d.apiFile, d.value, d.nth)
}

// typesOf returns the types that the nth result of an expression may have.
func (w *apiWalk) typesOf(f *apiFile, e ast.Expr, nth int) (types []typeExpr) {
	if w.depth++; w.depth > 100 { // a variable that is initialized by itself
		w.depth--
		return nil
	}
	defer func() { w.depth-- }()
	switch e := e.(type) {
	case *ast.ParenExpr:
		return w.typesOf(f, e.X, nth)
	case *ast.CompositeLit:
		return []typeExpr{{f, e.Type, nil}}
	case *ast.FuncLit:
		return []typeExpr{{f, e.Type, nil}}
	case *ast.TypeAssertExpr:
		return []typeExpr{{f, e.Type, nil}}
	case *ast.UnaryExpr:
		return w.typesOf(f, e.X, nth) // a pointer names the same types
	case *ast.BinaryExpr:
		if slices.Contains([]token.Token{token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ}, e.Op) {
			return nil
		}
		return append(w.typesOf(f, e.X, nth), w.typesOf(f, e.Y, nth)...)
	case *ast.Ident, *ast.SelectorExpr:
		pkg, name := w.declarer(f, e)
		if pkg == nil {
			return nil
		}
		for _, d := range pkg.values[name] {
			types = append(types, w.valueTypes(d)...)
		}
		for _, d := range pkg.funcs[name] {
			types = append(types, typeExpr{d.apiFile, d.Type, nil})
		}
		return types
	case *ast.IndexExpr, *ast.IndexListExpr: // of a generic function, without a call
		for _, t := range w.typesOf(f, bare(e), 0) {
			if signature, ok := t.expr.(*ast.FuncType); ok && signature.TypeParams != nil {
				types = append(types, t)
				types = append(types, typeArguments(f, e)...)
			}
		}
		return types
	case *ast.CallExpr:
		return w.resultsOf(f, e, nth)
	}
	return nil
}

// typeArguments returns the arguments of a generic type or function.
func typeArguments(f *apiFile, e ast.Expr) (types []typeExpr) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeArguments(f, e.X)
	case *ast.IndexExpr:
		types = append(types, typeExpr{f, e.Index, nil})
	case *ast.IndexListExpr:
		for _, arg := range e.Indices {
			types = append(types, typeExpr{f, arg, nil})
		}
	}
	return types
}

// resultsOf returns the types that the nth result of a call or of a conversion
// may have.
func (w *apiWalk) resultsOf(f *apiFile, call *ast.CallExpr, nth int) (types []typeExpr) {
	fun := ast.Unparen(call.Fun)
	switch t := fun.(type) {
	case *ast.ArrayType, *ast.MapType, *ast.ChanType, *ast.FuncType, *ast.InterfaceType, *ast.StarExpr:
		return []typeExpr{{f, t, nil}} // a conversion
	}
	types = typeArguments(f, fun)
	fun = bare(fun)
	if id, ok := fun.(*ast.Ident); ok && len(call.Args) > 0 && slices.Contains([]string{"new", "make", "append", "min", "max"}, id.Name) {
		if id.Name == "make" || id.Name == "new" {
			types = append(types, typeExpr{f, call.Args[0], nil})
		}
		return append(types, w.typesOf(f, call.Args[0], 0)...)
	}
	if n, ok := w.resolve(f, fun); ok && w.pkgs[n.importPath] != nil && w.pkgs[n.importPath].types[n.name] != nil {
		return append(types, typeExpr{f, fun, nil})
	}
	for _, t := range w.typesOf(f, fun, 0) {
		signature, ok := t.expr.(*ast.FuncType)
		if !ok || signature.Results == nil {
			continue
		}
		var results []ast.Expr
		for _, field := range signature.Results.List {
			results = append(results, slices.Repeat([]ast.Expr{field.Type}, max(1, len(field.Names)))...)
		}
		var params []*ast.Ident
		if signature.TypeParams != nil {
			for _, field := range signature.TypeParams.List {
				params = append(params, field.Names...)
			}
		}
		if nth < len(results) {
			types = append(types, typeExpr{t.apiFile, results[nth], params})
		}
	}
	return types
}

// declarer returns the package of this module that declares a name, or nil.
func (w *apiWalk) declarer(f *apiFile, e ast.Expr) (pkg *apiPackage, name string) {
	switch e := e.(type) {
	case *ast.Ident:
		return f.pkg, e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return w.pkgs[f.imports[x.Name]], e.Sel.Name
		}
	}
	return nil, ""
}

func TestCheckPublicAPI(t *testing.T) {
	// inner is an internal package that the trees below share.
	const inner = `package inner

import "time"

type (
	Root   struct { Name string; n hidden }
	File   struct { Root *Root; hidden hidden }
	Kind   int
	Set[T any] struct { m map[string]T }
	Opener interface { Open(string) (*File, error); close(hidden) }
	Hook   func(Kind)
	Later  = time.Time
	Hooks  = []Hook
	Same   = Root
	Bad    struct { Hidden hidden }
	base   struct { Kind Kind }
	Derived base
	Embeds struct { base }
	hidden struct { X Kind }
)

const Large Kind = 1

var Default = New("")

func New(name string) *Root { return nil }
func Two() (int, Kind) { return 0, 0 }
func Of[T any](v T) Set[T] { return Set[T]{} }
func (r *Root) Sub(string) *Root { return r }
func (r *Root) file() *File { return nil }
func (f *File) Stat() (time.Time, error) { return time.Time{}, nil }
`
	const imports = "package a; import (\"sluice/internal/inner\"; \"net/http\"; \"sluice/b\"); "
	one := func(src string) model {
		return model{"a/a.go": imports + src, "internal/inner/inner.go": inner, "b/b.go": "package b; type B struct{}"}
	}
	names := func(label, typ string) string {
		return "a/a.go:1: " + label + " names sluice/internal/inner." + typ + ": declare an alias in a or use another type"
	}
	within := func(line int, label, typ string) string {
		return fmt.Sprintf("internal/inner/inner.go:%d: %s names sluice/internal/inner.%s: declare an alias in a or use another type", line, label, typ)
	}
	for _, tt := range []struct {
		name string
		in   model
		want []string
	}{
		{"accepts the standard library and other public packages", one("type T struct { H http.Handler; B *b.B }; func F(T) b.B"), nil},
		{"accepts declarations that are not exported", one(`
			type T struct { r inner.Root }
			type t struct { R inner.Root }
			type I interface { m(inner.Root) }
			func f(inner.Root)
			func (T) f(inner.Root)
			func (t) F(inner.Root)
			var v inner.Root
			const c = inner.Large`), nil},
		{"accepts an alias", one("type Root = inner.Root; type T struct { R *Root; S inner.Root }; func (T) F() inner.Same"), nil},
		{"accepts an alias of another public package", one("type B = b.B; func F() B"), nil},
		{"accepts an internal name of another type", one("func F() inner.Later"), nil},
		{"accepts commands, benches and tests", model{
			"cmd/x/a.go": imports + "func F(inner.Root)", "bench/a.go": imports + "func F(inner.Root)", "internal/x/a.go": imports + "func F(inner.Root)",
			"a/internal/x/a.go": imports + "func F(inner.Root)", "a/a_test.go": imports + "func F(inner.Root)",
		}, nil},
		{"accepts a type parameter with the name of a type", one("type root = inner.Root; type S[root any] struct { R root }; func (s S[root]) F() root"), nil},
		{"finds a field", model{"a/a.go": "package a\n\nimport \"sluice/internal/vfs\"\n\ntype T struct {\n\tTree *vfs.Root\n}\n"}, []string{
			"a/a.go:6: T.Tree names sluice/internal/vfs.Root: declare an alias in a or use another type",
		}},
		{"finds a field in a field", one("type T struct { In struct { R inner.Root } }"), []string{names("T.In.R", "Root")}},
		{"finds an embedded type", one("type T struct { *inner.Root }"), []string{names("T.Root", "Root")}},
		{"finds parameters and results", one("func F(r ...inner.Root) (k inner.Kind, err error)"), []string{names("F", "Kind"), names("F", "Root")}},
		{"finds methods", one("type T struct{}; func (t *T) F(inner.Root)"), []string{names("T.F", "Root")}},
		{"finds methods of generic types", one("type T[E any] struct{}; func (t *T[E]) F(E, inner.Root)"), []string{names("T.F", "Root")}},
		{"finds methods of interfaces", one("type I interface { F(inner.Root) }"), []string{names("I.F", "Root")}},
		{"finds embedded interfaces", one("type I interface { inner.Opener }"), []string{names("I.Opener", "Opener")}},
		{"looks into composite types", one("type M map[inner.Kind]chan []*inner.Root; type F func(*[2]inner.File) func() inner.Hook"), []string{
			names("F", "File"), names("F", "Hook"), names("M", "Kind"), names("M", "Root"),
		}},
		{"finds constraints and unions", one("func F[T ~int | inner.Kind]() {}; type G[T inner.Opener] struct{}"), []string{names("F", "Kind"), names("G", "Opener")}},
		{"finds type arguments", one("type Set[T any] = inner.Set[T]; type T struct { S inner.Set[inner.Kind] }"), []string{names("T.S", "Kind")}},
		{"finds a generic type", one("var V inner.Set[int]"), []string{names("V", "Set")}},
		{"finds definitions", one("type T inner.Root"), []string{names("T", "Root")}},
		{"looks through an unexported alias", one("type root = inner.Root; func F() root"), []string{names("F", "Root")}},
		{"looks through an alias of a pointer", one("type P = *inner.Root"), []string{names("P", "Root")}},
		{"looks through internal aliases", one("func F() inner.Same; func G() inner.Hooks"), []string{names("F", "Root"), names("G", "Hook")}},
		{"does not accept the alias of another package", model{
			"a/a.go": imports + "func F(inner.Root)", "b/b.go": "package b; import \"sluice/internal/inner\"; type Root = inner.Root",
		}, []string{names("F", "Root")}},
		{"checks files of every platform", model{
			"a/a_windows.go":          "package a; import x \"sluice/internal/inner\"; func F(x.Root)",
			"a/b.go":                  "//go:build plan9\n\npackage a; import . \"sluice/internal/inner\"; func F(Root)",
			"internal/inner/inner.go": inner,
		}, []string{
			"a/a_windows.go:1: F names sluice/internal/inner.Root: declare an alias in a or use another type",
			"a/b.go:3: F names sluice/internal/inner.Root: declare an alias in a or use another type",
		}},
		{"finds declared variables and constants", one("var V, W inner.Root; const C inner.Kind = iota"), []string{
			names("C", "Kind"), names("V", "Root"), names("W", "Root"),
		}},
		{"finds constants that repeat a type", one("const ( c inner.Kind = iota; C )"), []string{names("C", "Kind")}},
		{"finds the types of values", one(`
			var (
				A, B = inner.Root{}, &inner.File{}
				C    = inner.New("")
				D    = inner.Default
				E    = inner.Kind(1)
				F, G = inner.Two()
				H    = new(inner.Root)
				I    = make([]inner.Root, 1)
				J    = func(inner.Root) {}
				K    = inner.Of(1)
				L    = inner.Of[inner.Kind]
				M    = map[string]inner.Kind{}
				N    = inner.Large == 1
				O    = http.DefaultClient
			)
			const P = inner.Large | 2`), []string{
			"a/a.go:10: J names sluice/internal/inner.Root: declare an alias in a or use another type",
			"a/a.go:11: K names sluice/internal/inner.Set: declare an alias in a or use another type",
			"a/a.go:12: L names sluice/internal/inner.Kind: declare an alias in a or use another type",
			"a/a.go:12: L names sluice/internal/inner.Set: declare an alias in a or use another type",
			"a/a.go:13: M names sluice/internal/inner.Kind: declare an alias in a or use another type",
			"a/a.go:17: P names sluice/internal/inner.Kind: declare an alias in a or use another type",
			"a/a.go:3: A names sluice/internal/inner.Root: declare an alias in a or use another type",
			"a/a.go:3: B names sluice/internal/inner.File: declare an alias in a or use another type",
			"a/a.go:4: C names sluice/internal/inner.Root: declare an alias in a or use another type",
			"a/a.go:5: D names sluice/internal/inner.Root: declare an alias in a or use another type",
			"a/a.go:6: E names sluice/internal/inner.Kind: declare an alias in a or use another type",
			"a/a.go:7: G names sluice/internal/inner.Kind: declare an alias in a or use another type",
			"a/a.go:8: H names sluice/internal/inner.Root: declare an alias in a or use another type",
			"a/a.go:9: I names sluice/internal/inner.Root: declare an alias in a or use another type",
		}},
		{"follows an alias to fields", one("type File = inner.File"), []string{within(7, "File.Root", "Root")}},
		{"follows an alias to methods", one("type Opener = inner.Opener; type Root = inner.Root"), []string{within(10, "Opener.Open", "File")}},
		{"follows an alias to parameters", one("type Hook = inner.Hook"), []string{within(11, "Hook", "Kind")}},
		{"accepts aliases of every type that an alias reaches", one("type Opener = inner.Opener; type File = inner.File; type Root = inner.Root"), nil},
		{"follows embedded types whose name is not exported", one("type Embeds = inner.Embeds; type t struct { R inner.Root }; type T struct { t }"), []string{
			names("t.R", "Root"), within(16, "base.Kind", "Kind"),
		}},
		{"follows definitions", one("type Derived = inner.Derived"), []string{within(16, "base.Kind", "Kind")}},
		{"follows a result that is not exported", one("type t struct{}; func (t) F() inner.Root; func New() t"), []string{names("t.F", "Root")}},
		{"reports types that no alias can name", one("type Bad = inner.Bad"), []string{
			"internal/inner/inner.go:15: Bad.Hidden names sluice/internal/inner.hidden, which is not exported, so that a cannot declare an alias of it: use another type",
		}},
		{"reports files that it cannot parse", model{"a/a.go": "pakage a\n"}, []string{"a/a.go:1:1: expected 'package', found pakage"}},
		{"ends on types and values that refer to themselves", one("type A = B; type B = A; type C = inner.Root; var V = W; var W = V; func F(A)"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, checkPublicAPI(tt.in.tree()), tt.want) })
	}
}
