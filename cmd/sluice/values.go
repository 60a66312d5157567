package main

import (
	"slices"
	"strings"
)

// repeated is the value of a flag that may be repeated and whose values are parsed.
// It is a pflag.SliceValue.
type repeated[T any] struct {
	all   *[]T // parsed
	parse func(string) (T, error)
	texts []string
}

func repeatedVar[T any](all *[]T, parse func(string) (T, error)) *repeated[T] {
	return &repeated[T]{all: all, parse: parse}
}

// Set adds a value; there is no default to replace.
func (r *repeated[T]) Set(text string) error { return r.Append(text) }

func (r *repeated[T]) Append(text string) error {
	v, err := r.parse(text)
	if err != nil {
		return err
	}
	*r.all, r.texts = append(*r.all, v), append(r.texts, text)
	return nil
}

func (r *repeated[T]) Replace(texts []string) error {
	*r.all, r.texts = nil, nil
	for _, text := range texts {
		if err := r.Append(text); err != nil {
			return err
		}
	}
	return nil
}

func (r *repeated[T]) GetSlice() []string { return slices.Clone(r.texts) }
func (r *repeated[T]) String() string     { return strings.Join(r.texts, ",") }
func (r *repeated[T]) Type() string       { return "list" }
