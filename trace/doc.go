// Package trace shows the way that a certificate authority takes to a
// validation record: from the root down through zone cuts, along aliases to the
// owner name, and in every zone on it what each address of each server says.
//
// Where package delegation asks one server and believes it, trace asks them
// all, and looks whether they say the same: the CA may ask any of them. A
// server that is dead or lame, or that contradicts the others, is a part of the
// picture, and so is a loop.
//
// A Way is drawn as a tree, as a graph for Mermaid and Graphviz, and as JSON.
package trace
