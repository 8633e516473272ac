package detect

import "testing"

// TestDeclares holds which user agents say what they are: by a page, as a monitor, or by the
// platform of an app that is no browser.
func TestDeclares(t *testing.T) {
	for agent, want := range map[string]bool{
		"linkchecker-job/2 (+https://example.com/bot)": true,
		"UptimeRobot/2.0":                                true,
		"ShopApp/4.1 (Android 15)":                       true,
		"ShopApp/4.1 (iOS 18.1)":                         true,
		"ShopApp/4.1 (iPhone; iOS 18.1)":                 true,
		"ShopApp/4.1 (iPhone)":                           true,
		"ShopApp/41 CFNetwork/1568.200.51 Darwin/24.1.0": true,
		"Dalvik/2.1.0 (Linux; U; 15)":                    true,
		"okhttp/4.12.0":                                  true,
		"x okhttp/4.12.0":                                false,
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36": false,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)":                                                       false,
		"curl/8.5.0": false,
		"":           false,
	} {
		if got := declares(agent); got != want {
			t.Errorf("%q: %t, want %t", agent, got, want)
		}
	}
}
