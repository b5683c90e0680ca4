package playground

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A State is what a link holds.
type State struct {
	Topology string   `json:"topology"`
	Packets  string   `json:"packets"`
	Settings Settings `json:"settings,omitzero"`
}

// MostLink bounds a link, in characters: what mails and chats carry without harm. The
// state in it may have MostState bytes.
const (
	MostLink  = 16 << 10
	MostState = 256 << 10
)

// linkVersion stands before what a link holds.
const linkVersion = "1."

var (
	errLink        = errors.New("the link holds no topology and packets of this page: it may have been cut or changed on its way")
	errLinkVersion = errors.New("the link is of another version of this page")
	errLinkLength  = errors.New("the link is longer than this page makes them")
)

// Link packs a state into the fragment of a link: JSON, deflated, in base64url.
func Link(s State) (string, error) {
	doc, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return "", err
	}
	w.Write(doc)
	w.Close()
	link := linkVersion + base64.RawURLEncoding.EncodeToString(b.Bytes())
	if len(link) > MostLink || len(doc) > MostState {
		return "", fmt.Errorf("too much for a link: %d KB packed, and links hold %d: save the topology as a file", len(link)>>10, MostLink>>10)
	}
	return link, nil
}

// Unlink unpacks the fragment of a link, which may come from anybody.
func Unlink(link string) (State, error) {
	var s State
	if len(link) > MostLink {
		return s, errLinkLength
	}
	if len(link) < len(linkVersion) || link[:len(linkVersion)] != linkVersion {
		return s, errLinkVersion
	}
	packed, err := base64.RawURLEncoding.Strict().DecodeString(link[len(linkVersion):])
	if err != nil {
		return s, errLink
	}
	rest := bytes.NewReader(packed)
	doc, err := io.ReadAll(io.LimitReader(flate.NewReader(rest), MostState+1))
	if err != nil || rest.Len() > 0 || len(doc) > MostState || !utf8.Valid(doc) {
		return s, errLink
	}
	if err := json.Unmarshal(doc, &s); err != nil {
		return State{}, errLink
	}
	return s, nil
}
