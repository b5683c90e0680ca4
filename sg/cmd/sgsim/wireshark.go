package main

import (
	"bytes"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const wiresharkHelp = `usage: sgsim wireshark-profile DIR

Writes a Wireshark profile: colours, filter buttons and columns for the captures that
sgsim replay -annotated writes. Wireshark lists it if DIR is a folder in the profiles
folder of its personal configuration (About, Folders):

  sgsim wireshark-profile ~/.config/wireshark/profiles/sgsim
  wireshark -C sgsim annotated.pcapng

Writes nothing if DIR has different files of the same names.

Exit status: 0; 1 DIR cannot be written; 2 usage.
`

// profile is the folder that wireshark-profile writes.
//
//go:embed wireshark
var profile embed.FS

func (t *tool) wiresharkProfile(args []string) int {
	fs := flag.NewFlagSet("wireshark-profile", flag.ContinueOnError)
	if status, done := t.parse(fs, args, wiresharkHelp); done {
		return status
	}
	if fs.NArg() != 1 || fs.Arg(0) == "" {
		return t.misused(fs, errors.New("want one folder"))
	}
	if err := writeProfile(fs.Arg(0)); err != nil {
		return t.failed(err)
	}
	return exitOK
}

// writeProfile writes the profile to a folder, unless that would overwrite something.
func writeProfile(dir string) error {
	entries, err := profile.ReadDir("wireshark")
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		data, err := profile.ReadFile("wireshark/" + e.Name())
		if err != nil {
			return err
		}
		name := filepath.Join(dir, e.Name())
		files[name] = data
		old, err := os.ReadFile(name)
		switch {
		case err == nil && !bytes.Equal(old, data):
			return fmt.Errorf("%s: exists already, and differs", name)
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(name, data, 0o666); err != nil {
			return err
		}
	}
	return nil
}
