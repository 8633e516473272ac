package detect

import (
	"bytes"
	"strings"
)

// A probe is a path that scanners ask every site for, whatever it runs.
type probe uint8

const (
	noProbe probe = iota
	// servedProbe is one that some sites serve, on purpose: it counts where it is
	// refused, for then who asks does not know the site.
	servedProbe
	// secretProbe is one that no site means to serve.
	secretProbe
)

// secretProbes and servedProbes are the ends of paths, in small letters: they match the
// whole path, and whatever folder they stand in, but for single words without a dot, which
// are too common for that. Where one ends with "/" it is a folder at the top of a site, and
// matches all below it.
const secretProbes = `
/.env /.env.local /.env.dev /.env.development /.env.prod /.env.production /.env.staging /.env.test /.env.bak
/.env.backup /.env.old /.env.save /.env.example /.env.swp /env.json /.envrc
/.git /.ssh /.svn /.hg /.aws /.kube /.docker /.gnupg /.passwd /.config
/.git/config /.git/head /.git/index /.git/logs/head /.gitconfig /.git-credentials /.gitlab-ci.yml
/.svn/entries /.svn/wc.db /.hg/hgrc /.hg/store/00manifest.i /.bzr/branch/branch.conf /cvs/entries /cvs/root
/.aws/credentials /.aws/config /.azure/accesstokens.json /.config/gcloud/credentials.db /.boto /.s3cfg
/.docker/config.json /.dockercfg /.dockerenv /.kube/config /.npmrc /.pypirc /.netrc /.pgpass /.my.cnf
/.ssh/id_rsa /.ssh/id_dsa /.ssh/id_ed25519 /.ssh/authorized_keys /.ssh/known_hosts /id_rsa /server.key /privatekey.key
/.htpasswd /.htaccess /.bash_history /.zsh_history /.mysql_history /.profile /.bashrc /.ds_store
/.vscode/sftp.json /.vscode/settings.json /.idea/workspace.xml /.ftpconfig /sftp-config.json /sftp.json
/.travis.yml /.circleci/config.yml /.github/workflows/main.yml /jenkinsfile /dockerfile /docker-compose.yml /docker-compose.yaml
/wp-config.php /wp-config.php.bak /wp-config.php~ /wp-config.php.old /wp-config.php.save /wp-config.php.swp /wp-config.txt
/configuration.php.bak /config.php.bak /settings.php.bak /local_settings.py /settings.py /database.yml /config/database.yml
/config/secrets.yml /secrets.yml /secrets.json /credentials.json /credentials.txt /passwords.txt /application.yml
/application.properties /appsettings.json /web.config /web-inf/web.xml /parameters.yml /app/config/parameters.yml
/phpinfo.php /info.php /php_info.php /test.php /i.php /pinfo.php /_profiler/phpinfo
/actuator/env /actuator/heapdump /actuator/configprops /actuator/mappings /actuator/beans /actuator/trace /actuator/httptrace
/actuator/threaddump /actuator/logfile /actuator/gateway/routes /actuator/jolokia /jolokia/list /heapdump /env.bak
/vendor/phpunit/phpunit/src/util/php/eval-stdin.php /phpunit/phpunit/src/util/php/eval-stdin.php
/phpunit/src/util/php/eval-stdin.php /phpunit/util/php/eval-stdin.php /phpunit/eval-stdin.php /eval-stdin.php
/_ignition/execute-solution /storage/logs/laravel.log /laravel.log /debug.log /error.log /error_log /wp-content/debug.log
/debug/pprof/heap /debug/pprof/cmdline /debug/default/view /trace.axd /elmah.axd /server-info
/shell.php /cmd.php /c99.php /r57.php /wso.php /alfa.php /webshell.php /adminer.php /adminer-4.8.1.php
/remote/fgt_lang /dana-na/auth/url_default/welcome.cgi /vpns/cfg/smb.conf /global-protect/login.esp /+cscoe+/logon.html
/hnap1 /setup.cgi /cgi-bin/luci /shell /tmui/login.jsp /wls-wsat/coordinatorporttype
/invoker/jmxinvokerservlet /jmx-console/htmladaptor /axis2/axis2-admin /struts2-showcase/showcase.action /console/login/loginform.jsp
/_cat/indices /_all_dbs /_users/_all_docs /etc/passwd /proc/self/environ /latest/meta-data /latest/meta-data/iam/security-credentials
/latest/user-data /xmlrpc.php.bak
/boaform/ /goform/ /computemetadata/ /.git/ /.svn/ /.ssh/ /.aws/ /.kube/
`

const servedProbes = `
/wp-login.php /xmlrpc.php /wp-admin /wp-admin/setup-config.php /wp-admin/install.php /wp-admin/admin-ajax.php
/wp-includes/wlwmanifest.xml /wp-json/wp/v2/users /wp-content/plugins/wp-file-manager/readme.txt /wp-cron.php
/administrator/index.php /administrator /user/login /sites/default/files /magento_version /downloader/index.php /typo3/index.php
/phpmyadmin /phpmyadmin/index.php /pma /pma/index.php /myadmin /mysqladmin /dbadmin /adminer /mysql/index.php
/manager/html /manager/status /host-manager/html /server-status /nginx_status /stub_status /fpm-status
/swagger.json /swagger.yaml /swagger-ui.html /swagger/index.html /swagger/v1/swagger.json /openapi.json /openapi.yaml
/v2/api-docs /v3/api-docs /api-docs /api/swagger.json /api/openapi.json /graphiql /playground /graphql/console
/config.json /config.js /config.yml /config.yaml /config.php /settings.json /composer.json /composer.lock /package.json
/package-lock.json /yarn.lock /gemfile.lock /requirements.txt /telescope /telescope/requests /horizon/api/stats /_debugbar/open
/actuator /actuator/health /actuator/info /actuator/metrics /actuator/prometheus /metrics /debug /debug/vars /debug/pprof /console
/h2-console /solr /jenkins /jenkins/login /script /geoserver/web /jolokia /druid/index.html /nacos /nacos/v1/auth/users
/kibana /app/kibana /grafana/login /zabbix/index.php /owa/auth/logon.aspx /remote/login /backup /backups /old
/cgi-bin/ /solr/ /phpmyadmin/ /cfide/ /fckeditor/ /struts/ /hudson/
`

// dumpNames are the names of files and folders under which a copy of a site or its
// database is left lying about, and dumpEnds how they end.
var (
	dumpNames = strings.Fields("backup backups bak db database dump data mysql sql site website web www wwwroot public_html htdocs html app api src source users latest archive full export localhost")
	dumpEnds  = strings.Fields(".sql .sql.gz .sql.zip .sql.tar.gz .sql.bz2 .zip .tar .tar.gz .tgz .rar .7z .bak .old .gz")
)

// A probeTable finds probes.
type probeTable struct {
	ends    map[string]probe // by the end of a path
	folders map[string]probe // by the first segment, with its slashes
	dumps   map[string]bool
	// lasts and tops are the last segments of ends and the first ones of folders: most paths
	// are ruled out by theirs.
	lasts, tops outlines
	deepest     int // segments of the longest end
}

// usualProbes finds those that every site is asked for.
var usualProbes = newProbeTable()

func newProbeTable() *probeTable {
	t := &probeTable{ends: map[string]probe{}, folders: map[string]probe{}, dumps: map[string]bool{}}
	for _, list := range []struct {
		paths string
		kind  probe
	}{{servedProbes, servedProbe}, {secretProbes, secretProbe}} {
		for _, p := range strings.Fields(list.paths) {
			if strings.HasSuffix(p, "/") {
				if strings.Count(p, "/") == 2 {
					t.folders[p] = list.kind
					t.tops.add(p[1 : len(p)-1])
				}
				continue
			}
			t.ends[p] = list.kind
			t.lasts.add(p[strings.LastIndexByte(p, '/')+1:])
			t.deepest = max(t.deepest, strings.Count(p, "/"))
		}
	}
	for _, name := range dumpNames {
		for _, end := range dumpEnds {
			t.dumps["/"+name+end] = true
			t.lasts.add(name + end)
		}
	}
	return t
}

// maxProbe bounds the paths that are looked up: those of scanners are shorter.
const maxProbe = 160

// find tells what a path, as sent, is. Letters count as small ones, doubled slashes as
// one, matrix parameters as nothing, and up to two layers of percent-encoding are taken
// off: that is how scanners hide.
func (t *probeTable) find(path string) probe {
	if len(path) > maxProbe || t.plain(path) {
		return noProbe
	}
	return t.look(path)
}

// look is find for a path of at most maxProbe bytes, as if none were plain.
func (t *probeTable) look(path string) probe {
	var buf [maxProbe]byte
	b := appendPlain(buf[:0], path)
	if len(b) < 2 {
		return noProbe
	}
	if isPlugin(b) {
		return servedProbe
	}
	if isDotEnv(b[bytes.LastIndexByte(b, '/')+1:]) {
		return secretProbe
	}
	for i, n := len(b)-1, 0; i >= 0 && n < t.deepest; i-- {
		if b[i] != '/' {
			continue
		}
		n++
		if kind := t.ends[string(b[i:])]; kind != noProbe && (i == 0 || n > 1 || bytes.IndexByte(b[i:], '.') >= 0) {
			return kind
		}
		if n == 1 && t.dumps[string(b[i:])] {
			return secretProbe
		}
	}
	for i := 1; i < len(b); i++ {
		if b[i] == '/' {
			return t.folders[string(b[:i+1])]
		}
	}
	return noProbe
}

// plain tells at a glance that a path is none, as of most it can.
func (t *probeTable) plain(path string) bool {
	if len(path) < 2 || path[0] != '/' || path[1] == '/' || path[1] == '.' || strings.IndexByte(path, '%') >= 0 || strings.IndexByte(path, ';') >= 0 {
		return false
	}
	path = strings.TrimRight(path[1:], "/")
	top, last := path, path
	if i := strings.IndexByte(path, '/'); i >= 0 {
		top, last = path[:i], path[strings.LastIndexByte(path, '/')+1:]
	}
	switch last[len(last)-1] {
	case 'p', 'P', 't', 'T', 'd', 'D': // "/wp-content/plugins/x/readme.txt"
		if strings.IndexByte(path, '-') >= 0 {
			return false
		}
	}
	return last[0] != '.' && !t.lasts.may(last) && !t.tops.may(top)
}

// outlines are how long segments of paths are, which rules most others out: by first and
// last letter, a bit for each length.
type outlines [32][32]uint64

func (o *outlines) add(segment string) { *o.of(segment) |= 1 << len(segment) }

// may tells whether the segment can be one of them, whatever its case.
func (o *outlines) may(segment string) bool { return *o.of(segment)>>len(segment)&1 == 1 }

func (o *outlines) of(segment string) *uint64 {
	return &o[segment[0]&31][segment[len(segment)-1]&31]
}

// isPlugin tells whether a path, in small letters, is one by which a plugin of WordPress, or
// its version, is looked for. Pages do not link there.
func isPlugin(path []byte) bool {
	i := bytes.Index(path, []byte("/wp-content/"))
	if i < 0 {
		return false
	}
	for _, end := range []string{".php", "/readme.txt", "/readme.md"} {
		if bytes.HasSuffix(path[i:], []byte(end)) {
			return true
		}
	}
	return false
}

// isDotEnv tells whether the name of a file, in small letters, is that of settings with
// secrets or of a copy of them: ".env", ".env.local", ".env~", ".env_old".
func isDotEnv(name []byte) bool {
	const env = ".env"
	if !bytes.HasPrefix(name, []byte(env)) {
		return false
	}
	return len(name) == len(env) || bytes.IndexByte([]byte(".~-_"), name[len(env)]) >= 0
}

// appendPlain appends the path, decoded up to twice, in small letters, with single slashes
// and none at its end, and without matrix parameters.
func appendPlain(b []byte, path string) []byte {
	for i := 0; i < len(path); {
		c, n := escapedByte(path[i:])
		if c == '%' && n > 1 { // "%252e"
			if inner, m := escapedByte("%" + path[i+n:min(i+n+2, len(path))]); m > 1 {
				c, n = inner, n+m-1
			}
		}
		if i += n; c == ';' {
			for i < len(path) && path[i] != '/' {
				i++
			}
			continue
		}
		if n := len(b); c == '/' && n > 0 && b[n-1] == '/' {
			continue
		}
		if n := len(b); c == '/' && n > 1 && b[n-1] == '.' && b[n-2] == '/' {
			b = b[:n-1] // "/./"
			continue
		}
		b = append(b, lower(c))
	}
	for len(b) > 1 && b[len(b)-1] == '/' {
		b = b[:len(b)-1]
	}
	return b
}

// escapedByte returns the byte that s begins with, and how many bytes of s stand for it: 3
// if it is percent-encoded.
func escapedByte(s string) (c byte, n int) {
	if s[0] == '%' && len(s) >= 3 && isHexDigit(s[1]) && isHexDigit(s[2]) {
		return hexValue(s[1])<<4 | hexValue(s[2]), 3
	}
	return s[0], 1
}
