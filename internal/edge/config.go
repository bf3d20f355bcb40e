package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is what a function takes from its environment. docs/settings.md has a
// table of it, and a test compares the two.
type Config struct {
	Store          string   `env:"STORE"`
	AllowedOrigins []string `env:"ALLOWED_ORIGINS" envDefault:"*"`
	RateLimit      float64  `env:"RATE_LIMIT" envDefault:"20"`
	TrustedHops    int      `env:"TRUSTED_HOPS" envDefault:"0"`
	MergeQueue     int      `env:"MERGE_QUEUE" envDefault:"10000"`
	Shards         int      `env:"SHARDS" envDefault:"1"`
	BasicAuth      string   `env:"BASIC_AUTH"` // hashes: never to be logged
	Partners       string   `env:"PARTNERS"`
	LegacyUpdates  string   `env:"LEGACY_UPDATES"` // see LegacyUntil
	LogLevel       string   `env:"LOG_LEVEL" envDefault:"info"`
	Project        string   `env:"GOOGLE_CLOUD_PROJECT"` // see ProjectID
	TraceEndpoint  string   `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
}

// Deployed says whether this process is a deployed function: Cloud Functions and
// Cloud Run set K_SERVICE.
func Deployed() bool { return os.Getenv("K_SERVICE") != "" }

// LoadConfig reads the environment.
func LoadConfig() (Config, error) {
	var c Config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("settings: %w", unparsed(err))
	}
	if c.TrustedHops == 0 {
		c.TrustedHops = 1
		if Deployed() {
			c.TrustedHops = 2
		}
	}
	return c, c.Check()
}

// unparsed names the settings that are no numbers as the environment does, where the
// library names Config's fields.
func unparsed(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	errs := slices.Clone(all.Errors)
	for i, err := range errs {
		var bad env.ParseError
		if errors.As(err, &bad) {
			field, _ := reflect.TypeFor[Config]().FieldByName(bad.Name)
			name := field.Tag.Get("env")
			errs[i] = fmt.Errorf("%s: %q is not a number, or one that is too large", name, os.Getenv(name))
		}
	}
	return errors.Join(errs...)
}

// Check returns an error that names every setting that cannot be. deploy.sh refuses the same
// by deploy/settings.tsv, and a test compares the two.
func (c Config) Check() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, o := range c.AllowedOrigins {
		wrong(!isOrigin(o), "ALLOWED_ORIGINS: %q is neither * nor an origin such as https://example.com", o)
	}
	wrong(c.RateLimit != 0 && !(c.RateLimit >= minRate && c.RateLimit <= maxRate),
		"RATE_LIMIT: %v is neither 0, which is no limit, nor %g to %g", c.RateLimit, minRate, maxRate)
	wrong(c.TrustedHops < 1 || c.TrustedHops > 10, "TRUSTED_HOPS: %d is not 1 to 10", c.TrustedHops)
	wrong(c.MergeQueue < 1, "MERGE_QUEUE: %d is not at least 1", c.MergeQueue)
	wrong(c.Shards < 1 || c.Shards > 100, "SHARDS: %d is not 1 to 100", c.Shards)
	_, err := newAccounts(c.BasicAuth, nil)
	wrong(err != nil, "BASIC_AUTH: %w", err)
	_, err = legacyUntil(c.LegacyUpdates)
	wrong(err != nil, "LEGACY_UPDATES: %q is neither true nor false, nor the last day, such as 2027-06-30", c.LegacyUpdates)
	wrong(!slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.LogLevel), "LOG_LEVEL: %q is not debug, info, warn or error", c.LogLevel)
	wrong(c.TraceEndpoint != "" && !isCollector(c.TraceEndpoint),
		"OTEL_EXPORTER_OTLP_ENDPOINT: %q is not the address of a collector, such as http://localhost:4318", c.TraceEndpoint)
	if len(errs) > 0 {
		return fmt.Errorf("settings: %w", errors.Join(errs...))
	}
	return nil
}

// Bounds of RATE_LIMIT: a request within limiterAge, and more than there can be.
const minRate, maxRate = 0.02, 1e6

// LegacyUntil returns the moment from which updates of the old scheme are no longer taken.
// It is false where LEGACY_UPDATES does not turn them on at all.
func (c Config) LegacyUntil() (time.Time, bool) {
	until, err := legacyUntil(c.LegacyUpdates)
	return until, err == nil && !until.IsZero()
}

// lastLegacyDay is the old scheme's, unless LEGACY_UPDATES names another: an end that
// nobody has to remember to set.
const lastLegacyDay = "2027-12-31"

// legacyUntil returns the end of the last day that LEGACY_UPDATES gives, and zero for none.
func legacyUntil(setting string) (time.Time, error) {
	switch setting {
	case "", "false":
		return time.Time{}, nil
	case "true":
		setting = lastLegacyDay
	}
	day, err := time.Parse(time.DateOnly, setting)
	return day.AddDate(0, 0, 1), err
}

// Level is the least that is logged.
func (c Config) Level() slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(c.LogLevel)) // which leaves info where it is none
	return l
}

// ProjectID is the Google Cloud project that the functions run in, as far as it is known: the
// one that is named, or the store's.
func (c Config) ProjectID() string {
	if c.Project != "" {
		return c.Project
	}
	scheme, name, _ := strings.Cut(c.Store, ":")
	if scheme != "datastore" && scheme != "firestore" {
		return ""
	}
	project, _, _ := strings.Cut(name, "/")
	return project
}

func isCollector(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// isOrigin says whether s is * or what a browser sends as Origin: in lower case, and
// without a pattern, which the library for CORS would know.
func isOrigin(s string) bool {
	if s == "*" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && !strings.Contains(s, "*") && s == strings.ToLower(s) && slices.Contains([]string{"http", "https"}, u.Scheme) &&
		u.Scheme+"://"+u.Host == s
}
