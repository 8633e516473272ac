package detect

import "testing"

func TestIsOwnQuery(t *testing.T) {
	for _, c := range []struct {
		name, value string
		own         bool
	}{
		{"q", `SELECT Id FROM Contact WHERE AccountId='001Dn00000AeHwZIAV' LIMIT 50`, true},
		{"q", `SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Name LIKE 'O\'Br%'`, true},
		{"q", `SELECT mean("x") FROM "a"."cpu" WHERE ("host"='b' OR "host" =~ /^c/) AND time > now() - 1h GROUP BY time(1m), "host"`, true},
		{"query", "select count(*)\nfrom events\nwhere day = '2026-03-01'", true},
		{"$query", `SELECT name FROM x WHERE city = 'Rome'`, true},
		{"jql", `project = "AB C" AND (labels in (a, "b c") OR text ~ "x y") AND created >= -7d ORDER BY updated DESC`, true},
		{"cql", `type = page AND title ~ 'a' AND space = 'X' OR creator = currentUser()`, true},
		{"where", `STATE='CA' OR POP > 1000`, true},
		{"filter", `name="a" AND NOT labels.env:prod`, true},

		{"name", `SELECT Id FROM Contact WHERE AccountId='001Dn00000AeHwZIAV'`, false}, // no place for one
		{"q", `x' UNION SELECT name, pw FROM users`, false},
		{"q", `SELECT a FROM b WHERE c = 'd' UNION SELECT pw FROM users`, false},
		{"q", `SELECT a FROM b WHERE c = 'd' AND sleep(5)`, false},
		{"q", `SELECT a FROM b WHERE c = 'd' -- x`, false},
		{"q", `SELECT a FROM b WHERE c = 'd'; DROP TABLE b`, false},
		{"q", `SELECT a FROM b WHERE c = 'd' OR 1=1`, false},
		{"q", `SELECT a FROM b WHERE c = 'd' OR '1'='1'`, false},
		{"q", `SELECT a FROM b WHERE c = 'd`, false},
		{"q", `SELECT table_name FROM information_schema.tables`, false},
		{"q", `1 OR a = 'b'`, false},
		{"jql", `project = ABC' OR '1'='1`, false},
		{"jql", `project = ABC" OR "a"="a`, false},
		{"where", `1=1 OR a = 'b'`, false},
		{"where", `a = 'b' OR 1=1`, false},
		{"filter", `name='a' or pg_sleep(5)`, false},
		{"filter", `name='a' or (select 1 from users)`, false},
	} {
		if own := isOwnQuery(c.name, c.value); own != c.own {
			t.Errorf("isOwnQuery(%q, %q) = %t, want %t", c.name, c.value, own, c.own)
		}
	}
}
