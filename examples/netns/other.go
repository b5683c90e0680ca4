//go:build !linux

package main

import "fmt"

func main() { fmt.Println("skipped: needs Linux") }
