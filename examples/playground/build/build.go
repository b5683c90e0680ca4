package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/sgsim/sgsim"

// build writes the folder, over what is there of it.
func build(dir string) error {
	root, err := goCommand("list", "-f", "{{.Module.Dir}}", module+"/examples/playground")
	if err != nil {
		return err
	}
	goroot, err := goCommand("env", "GOROOT")
	if err != nil {
		return err
	}
	examples := filepath.Join(root, "examples")
	for from, to := range map[string]string{
		filepath.Join(examples, "playground", "web", "*"):      "",
		filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"):   "",
		filepath.Join(examples, "stories", "*.txt"):            "stories",
		filepath.Join(root, "sg", "cmd", "sgsim", "demo", "*"): "demo",
	} {
		if err := copyAll(from, filepath.Join(dir, to)); err != nil {
			return err
		}
	}
	if err := allowReports(dir); err != nil {
		return err
	}
	return program(filepath.Join(dir, "sgsim.wasm.gz"))
}

// program compiles the worker's program. It is packed, since not every file server packs
// what it serves, and is a fifth of its size.
func program(file string) error {
	dir, err := os.MkdirTemp("", "playground")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	wasm := filepath.Join(dir, "sgsim.wasm")
	if _, err := goCommand("build", "-trimpath", "-ldflags=-s -w", "-o", wasm, module+"/examples/playground/wasm"); err != nil {
		return err
	}
	data, err := os.ReadFile(wasm)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	z.Write(data)
	z.Close()
	fmt.Printf("sgsim.wasm %d bytes, packed %d\n", len(data), b.Len())
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// copyAll copies the files that a pattern matches into a folder.
func copyAll(pattern, dir string) error {
	names, err := filepath.Glob(pattern)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no such files", pattern)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	for _, name := range names {
		if err == nil {
			err = copyFile(name, filepath.Join(dir, filepath.Base(name)))
		}
	}
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// goCommand runs the go command for the browser and returns what it prints.
func goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), err
}
