package edge

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// clean takes all settings out of the environment.
func clean(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		t.Setenv(f.Tag.Get("env"), "")
	}
	t.Setenv("K_SERVICE", "")
}

func TestConfigHasDefaults(t *testing.T) {
	clean(t)
	want := Config{AllowedOrigins: []string{"*"}, RateLimit: 20, TrustedHops: 1, MergeQueue: 10_000, Shards: 1, LogLevel: "info"}
	if got, err := LoadConfig(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("LoadConfig() = %+v, %v; want %+v", got, err, want)
	}
	t.Setenv("K_SERVICE", "visits")
	want.TrustedHops = 2
	if got, err := LoadConfig(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("deployed: LoadConfig() = %+v, %v; want %+v", got, err, want)
	}
}

func TestConfigComesFromTheEnvironment(t *testing.T) {
	clean(t)
	for name, value := range map[string]string{
		"STORE": "sqlite:x.db", "ALLOWED_ORIGINS": "https://example.com,http://localhost:8000", "RATE_LIMIT": "0.5",
		"TRUSTED_HOPS": "3", "MERGE_QUEUE": "7", "SHARDS": "4", "BASIC_AUTH": "anna:" + secret,
		"PARTNERS": "partners", "LEGACY_UPDATES": "2027-06-30",
		"LOG_LEVEL": "warn", "GOOGLE_CLOUD_PROJECT": "shop", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
	} {
		t.Setenv(name, value)
	}
	want := Config{"sqlite:x.db", []string{"https://example.com", "http://localhost:8000"}, 0.5, 3, 7, 4, "anna:" + secret, "partners", "2027-06-30",
		"warn", "shop", "http://localhost:4318"}
	if got, err := LoadConfig(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("LoadConfig() = %+v, %v; want %+v", got, err, want)
	}
}

func TestConfigNamesTheSettingThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		name string
		good []string
		bad  []string
	}{
		{"ALLOWED_ORIGINS",
			[]string{"*", "https://example.com", "http://localhost:8000", "https://a.example,https://b.example", "http://[::1]:8000", "*,https://a.example"},
			[]string{"example.com", "https://example.com/", "https://example.com/path", "https://Example.com", "HTTPS://example.com", "https://*.example.com",
				"https://", "ftp://example.com", "null", "https://a.example, https://b.example", "https://a.example;https://b.example",
				"https://user@example.com", "https://example.com?", "https://example.com#x", ",", "**"}},
		{"RATE_LIMIT", []string{"0", "20", "0.02", "1000000"}, []string{"-1", "fast", "NaN", "Inf", "-Inf", "1e7", "0.01", "1e400", "20/s"}},
		{"TRUSTED_HOPS", []string{"0", "1", "10"}, []string{"-1", "11", "two", "1.5"}},
		{"MERGE_QUEUE", []string{"1", "100000"}, []string{"0", "-1", "many", "9223372036854775808"}},
		{"SHARDS", []string{"1", "100"}, []string{"0", "-1", "101", "x", "1,5"}},
		{"LEGACY_UPDATES", []string{"", "true", "false", "2027-06-30", "2020-02-29"},
			[]string{"yes", "1", "TRUE", "on", " true", "2027-6-30", "2027-02-29", "2027-13-01", "30.06.2027", "2027-06-30T00:00:00Z", "2027-06-30 "}},
		{"LOG_LEVEL", []string{"", "debug", "info", "warn", "error"}, []string{"INFO", "warning", "0", "trace", "info,warn", " info"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", []string{"", "http://localhost:4318", "https://telemetry.googleapis.com", "http://[::1]:4318/otlp"},
			[]string{"localhost:4318", "telemetry.googleapis.com", "grpc://localhost:4317", "http://", "true"}},
		{"BASIC_AUTH", []string{"anna:" + secret, "anna:" + secret + "\nbert:" + letter}, []string{"anna:secret", "anna", " ", secret}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			for _, v := range tt.good {
				t.Setenv(tt.name, v)
				if c, err := LoadConfig(); err != nil {
					t.Errorf("%q: %+v, %v; want no error", v, c, err)
				}
			}
			for _, v := range tt.bad {
				t.Setenv(tt.name, v)
				if c, err := LoadConfig(); err == nil || !strings.HasPrefix(err.Error(), "settings: "+tt.name+": ") {
					t.Errorf("%q: %+v, %v; want an error that names %s", v, c, err, tt.name)
				}
			}
		})
	}
}

func TestConfigNamesAllSettingsThatCannotBe(t *testing.T) {
	for _, bad := range []string{"-1", "x"} {
		clean(t)
		for _, name := range []string{"RATE_LIMIT", "TRUSTED_HOPS", "MERGE_QUEUE", "SHARDS"} {
			t.Setenv(name, bad)
		}
		_, err := LoadConfig()
		for _, name := range []string{"RATE_LIMIT", "TRUSTED_HOPS", "MERGE_QUEUE", "SHARDS"} {
			if err == nil || !strings.Contains(err.Error(), name+": ") {
				t.Errorf("the error is %v, want it to name %s", err, name)
			}
		}
	}
}

func TestTheOldSchemeEnds(t *testing.T) {
	for _, tt := range []struct{ setting, until string }{ // until: empty where it is off
		{"", ""},
		{"false", ""},
		{"true", "2028-01-01T00:00:00Z"},
		{"2027-06-30", "2027-07-01T00:00:00Z"},
		{"2028-02-29", "2028-03-01T00:00:00Z"},
		{"2020-01-01", "2020-01-02T00:00:00Z"}, // it has ended
	} {
		until, on := Config{LegacyUpdates: tt.setting}.LegacyUntil()
		got := ""
		if on {
			got = until.Format(time.RFC3339Nano)
		}
		if got != tt.until {
			t.Errorf("LEGACY_UPDATES=%s: it is on %v until %v, want %q", tt.setting, on, until, tt.until)
		}
	}
}

func TestTheProjectIsTheOneNamedOrTheStores(t *testing.T) {
	for _, tt := range []struct{ project, store, want string }{
		{"shop", "datastore:other", "shop"},
		{"", "datastore:shop", "shop"},
		{"", "firestore:shop/second", "shop"},
		{"", "sqlite:shop.db", ""},
		{"", "", ""},
	} {
		if got := (Config{Project: tt.project, Store: tt.store}).ProjectID(); got != tt.want {
			t.Errorf("GOOGLE_CLOUD_PROJECT=%s STORE=%s: project %q, want %q", tt.project, tt.store, got, tt.want)
		}
	}
}

func TestTheLevelIsInfoUnlessItIsNamed(t *testing.T) {
	for setting, want := range map[string]slog.Level{
		"": slog.LevelInfo, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "bad": slog.LevelInfo,
	} {
		if got := (Config{LogLevel: setting}).Level(); got != want {
			t.Errorf("LOG_LEVEL=%s: %v, want %v", setting, got, want)
		}
	}
}
