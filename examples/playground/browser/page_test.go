package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var built = flag.String("site", "", "the page as it was built before, instead of building it")

// The folder, which is built once, and the server and the browser of all tests.
var (
	folder   string
	site     *httptest.Server
	chromium context.Context
	missing  string // why there is no browser
	reports  violations
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	program := browserProgram()
	if program == "" {
		missing = "no chromium on the path: apt-get install chromium"
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "playground")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	flag.Parse()
	if folder = *built; folder == "" {
		folder = filepath.Join(dir, "site")
		build := exec.Command("go", "run", "./examples/playground/build", folder)
		build.Dir = "../../.."
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			panic(err)
		}
	}
	site = httptest.NewServer(serve())
	defer site.Close()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.UserDataDir(filepath.Join(dir, "profile")))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	var end context.CancelFunc
	chromium, end = chromedp.NewContext(allocator)
	defer end()
	if err := chromedp.Do(chromium); err != nil {
		panic(err)
	}
	return m.Run()
}

func browserProgram() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// violations are the reports of the browser about a page's policy.
type violations struct {
	sync.Mutex
	said []string
}

func (v *violations) take() []string {
	v.Lock()
	defer v.Unlock()
	said := v.said
	v.said = nil
	return said
}

// serve serves the folder as any server does, but for the page's own policy, which stands
// in a header too: so it holds for the worker, and what violates it is reported.
func serve() http.Handler {
	index, err := os.ReadFile(filepath.Join(folder, "index.html"))
	if err != nil {
		panic(err)
	}
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]+)"`).FindSubmatch(index)
	files := http.FileServer(http.Dir(folder))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /violation", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reports.Lock()
		defer reports.Unlock()
		reports.said = append(reports.said, string(body))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", string(policy[1])+"; report-uri /violation")
		files.ServeHTTP(w, r)
	})
	return mux
}

// A tab is a page of the browser under test.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu    sync.Mutex
	wrong []string // what the browser said against it
}

// open opens an address in a window of a width. At the end of the test nothing may have
// been wrong.
func open(t *testing.T, address string, width int64) *tab {
	t.Helper()
	if missing != "" {
		t.Skip(missing)
	}
	ctx, stop := chromedp.NewContext(chromium)
	t.Cleanup(stop)
	p := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, p.listen))
	t.Cleanup(func() {
		if said := append(p.wrong, reports.take()...); len(said) > 0 {
			t.Errorf("the browser says: %s", strings.Join(said, "\n"))
		}
	})
	p.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(address))
	return p
}

// playground opens the page, with a link where at is not empty, and waits for an answer.
func playground(t *testing.T, at string, width int64) *tab {
	t.Helper()
	if missing != "" {
		t.Skip(missing)
	}
	p := open(t, site.URL+"/"+at, width)
	p.until(`document.getElementById('verdict').textContent !== ''`)
	return p
}

func (p *tab) listen(event any) {
	said := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			said = "console: " + strings.Join(values(e.Args), " ")
		}
	case *runtime.EventExceptionThrown:
		said = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			said += " " + x.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			said = fmt.Sprintf("log: %s %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		said = "dialog: " + e.Message
	}
	if said != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wrong = append(p.wrong, said)
	}
}

func values(args []*runtime.RemoteObject) (out []string) {
	for _, a := range args {
		out = append(out, string(a.Value)+a.Description)
	}
	return out
}

// patience is how long a state may take: machines that test are busy.
const patience = 60 * time.Second

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	require.NoError(p.t, chromedp.Do(ctx, actions...))
}

// say returns the value of an expression.
func say[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(p.t, err, expression)
	return v
}

// until waits for an expression to be true.
func (p *tab) until(expression string) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if say[bool](p, "Boolean("+expression+")") {
			return
		}
	}
	p.t.Fatalf("never true: %s\nverdict: %s\nrefused: %s", expression, p.text("#verdict"), p.text("#refused"))
}

// text is what an element shows.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return say[string](p, "document.querySelector("+quote(selector)+")?.innerText ?? ''")
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(selector))
}

// verdict waits for the line that says the result.
func (p *tab) verdict(want string) {
	p.t.Helper()
	p.until("document.getElementById('verdict').innerText.startsWith(" + quote(want) + ")")
}

// edit replaces a part of what an area holds by what is typed there.
func (p *tab) edit(area, from, to string) {
	p.t.Helper()
	require.True(p.t, say[bool](p, fmt.Sprintf(`(() => {
		const e = document.querySelector(%s), at = e.value.indexOf(%s);
		e.focus();
		e.setSelectionRange(at, at + %d);
		return at >= 0;
	})()`, quote(area), quote(from), len(from))), "%q is not there", from)
	p.do(insert(to))
}

// dark sets the colours that the user prefers.
func (p *tab) dark(yes bool) {
	value := "light"
	if yes {
		value = "dark"
	}
	p.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

// call is a command of the protocol.
func call[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
