package dav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Space is the namespace of the elements of RFC 4918.
const Space = "DAV:"

// Name is the name of a property.
type Name = xml.Name

// ErrSyntax means that a body is not what RFC 4918 defines for its method.
var ErrSyntax = errors.New("the XML is malformed, or not that of RFC 4918")

const (
	maxDepth      = 32  // of elements
	maxProperties = 100 // in a request
	maxElements   = 5000
	maxNames      = 8 << 10 // bytes of the names of all properties of PROPFIND, which are repeated for each file
)

// MaxBody is the size of the largest XML body of a request that is read, in bytes.
const MaxBody = 256 << 10

// Find is what PROPFIND asks for.
type Find struct {
	All   bool   // the values of all properties, and of Props
	Names bool   // the names of all properties
	Props []Name // the values of these
}

// ParseFind parses the body of PROPFIND. No body asks for all properties.
func ParseFind(body []byte) (f Find, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return Find{All: true}, nil
	}
	root, err := parse(body, "propfind")
	if err != nil {
		return Find{}, err
	}
	kinds, size := 0, 0
	for _, e := range root.children {
		switch {
		case e.is("allprop"):
			f.All = true
			kinds++
		case e.is("propname"):
			f.Names = true
			kinds++
		case e.is("prop"):
			kinds++
			fallthrough
		case e.is("include"):
			for _, p := range e.children {
				f.Props = append(f.Props, p.name)
				size += len(p.name.Space) + len(p.name.Local)
			}
		}
	}
	if kinds != 1 || len(f.Props) > maxProperties || size > maxNames {
		return Find{}, ErrSyntax
	}
	return f, nil
}

// Patch is a step of PROPPATCH: a property is set, or removed.
type Patch struct {
	Remove bool
	Property
}

// Property is a property with its value.
type Property struct {
	Name
	Value string // XML, which depends on no namespaces around it
	Text  string // the characters in it
	Lang  string // xml:lang; "": none
}

// ParsePatch parses the body of PROPPATCH. The steps are to be made in their order, all or none.
func ParsePatch(body []byte) (all []Patch, err error) {
	root, err := parse(body, "propertyupdate")
	if err != nil {
		return nil, err
	}
	for _, step := range root.children {
		if !step.is("set") && !step.is("remove") {
			continue
		}
		for _, prop := range step.children {
			if !prop.is("prop") {
				continue
			}
			for _, p := range prop.children {
				all = append(all, Patch{step.is("remove"), Property{p.name, p.inner(), p.text(), p.lang()}})
			}
		}
	}
	if len(all) == 0 || len(all) > maxProperties {
		return nil, ErrSyntax
	}
	return all, nil
}

// LockInfo is what LOCK asks for.
type LockInfo struct {
	Refresh bool // an existing lock is to last longer
	Shared  bool
	Owner   string // text that describes the client
}

// ParseLock parses the body of LOCK. No body means to refresh a lock.
func ParseLock(body []byte) (l LockInfo, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return LockInfo{Refresh: true}, nil
	}
	root, err := parse(body, "lockinfo")
	if err != nil {
		return LockInfo{}, err
	}
	var exclusive, write bool
	for _, e := range root.children {
		for _, kind := range e.children {
			switch {
			case e.is("lockscope") && kind.is("exclusive"):
				exclusive = true
			case e.is("lockscope") && kind.is("shared"):
				l.Shared = true
			case e.is("locktype") && kind.is("write"):
				write = true
			}
		}
		if e.is("owner") {
			l.Owner = strings.TrimSpace(e.text())
		}
	}
	const maxOwner = 1000
	if exclusive == l.Shared || !write || len(l.Owner) > maxOwner {
		return LockInfo{}, ErrSyntax
	}
	return l, nil
}

// element is an element of a document.
type element struct {
	name     Name // its local part is a name without a prefix
	parent   *element
	attrs    []xml.Attr // without declarations of namespaces
	declared []string   // the namespaces that it declares
	children []*element
	content  []node // children and characters, in order
}

// node is a child, or characters.
type node struct {
	child *element
	text  string
}

func (e *element) is(local string) bool { return e.name.Space == Space && e.name.Local == local }

// parse parses a document, whose root must be an element of RFC 4918.
func parse(body []byte, root string) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var top, here *element
	depth, elements := 0, 0
	for {
		token, err := d.Token()
		if err == io.EOF && top != nil && here == nil {
			return top, nil
		}
		if err != nil {
			return nil, ErrSyntax
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{name: t.Name, parent: here}
			for _, a := range t.Attr {
				switch {
				case a.Name.Space == "xmlns" && a.Value == "": // a prefix cannot be bound to nothing (Namespaces in XML, 5)
					return nil, ErrSyntax
				case a.Name.Space == "xmlns", a.Name == Name{Local: "xmlns"}:
					e.declared = append(e.declared, a.Value)
				case !isName(a.Name.Local):
					return nil, ErrSyntax
				default:
					e.attrs = append(e.attrs, a)
				}
			}
			elements++
			if depth++; depth > maxDepth || elements > maxElements || here == nil && (top != nil || !e.is(root)) || !e.isBound() || !isName(t.Name.Local) {
				return nil, ErrSyntax
			}
			if here == nil {
				top = e
			} else {
				here.children = append(here.children, e)
				here.content = append(here.content, node{child: e})
			}
			here = e
		case xml.EndElement:
			here = here.parent
			depth--
		case xml.CharData:
			if here != nil {
				here.content = append(here.content, node{text: string(t)})
			}
		case xml.Directive: // a DTD
			return nil, ErrSyntax
		}
	}
}

// isBound reports whether the namespace of a name is declared. Package xml leaves a prefix that is not declared in its
// place.
func (e *element) isBound() bool {
	if e.name.Space == "" || e.name.Space == xmlSpace {
		return true
	}
	for at := e; at != nil; at = at.parent {
		if slices.Contains(at.declared, e.name.Space) {
			return true
		}
	}
	return false
}

// text returns the characters in an element, at all depths.
func (e *element) text() string {
	var b strings.Builder
	e.addText(&b)
	return b.String()
}

func (e *element) addText(b *strings.Builder) {
	for _, n := range e.content {
		if n.child == nil {
			b.WriteString(n.text)
		} else {
			n.child.addText(b)
		}
	}
}

// lang returns the value of xml:lang that holds for an element.
func (e *element) lang() string {
	for ; e != nil; e = e.parent {
		for _, a := range e.attrs {
			if a.Name == (Name{Space: "xml", Local: "lang"}) || a.Name == (Name{Space: xmlSpace, Local: "lang"}) {
				return a.Value
			}
		}
	}
	return ""
}

// xmlSpace is the namespace of the prefix xml, which is always declared.
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// IsValid reports whether a property that was stored can be written as it is: its name is one of XML, and its value
// well-formed.
func (p *Property) IsValid() bool {
	if !isName(p.Local) {
		return false
	}
	root, err := parse([]byte(`<D:prop xmlns:D="DAV:">`+p.Value+`</D:prop>`), "prop")
	return err == nil && root.inner() == p.Value
}

// isName reports whether text is the name of an element without a prefix.
func isName(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	if first != '_' && !unicode.IsLetter(first) {
		return false
	}
	return !strings.ContainsFunc(text, func(c rune) bool {
		return c == utf8.RuneError || c != '_' && c != '-' && c != '.' && !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c)
	})
}
