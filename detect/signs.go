package detect

import "strings"

// Marks are characters that stand in a text, a bit for each of those that some class of
// attack needs.
type marks uint32

// marked are the characters that are marks.
const marked = "|&`;$<>(){/\n\r-:\"_#[!.\\\xc0x='@%"

var markOf = func() (of [256]marks) {
	for i := range len(marked) {
		of[marked[i]] = 1 << i
	}
	return of
}()

// marksIn returns the marks of a text.
func marksIn(text string) (m marks) {
	for i := range len(text) {
		m |= markOf[text[i]]
	}
	return m
}

// Signs are lists of words, a bit for each, of which one or more stand in a text.
type signs uint16

const (
	signOfCommand  signs = 1 << iota
	signOfPHP            // alone
	signOfPHPCall        // as the name of a function
	signOfPHPName        // in quotes or brackets
	signOfTemplate       // alone
	signOfNoSQL
	signOfXML
	signOfDoctype
	signOfFile
	signOfScript
	signOfTag
	signOfCallback
	signOfStatement // of SQL
)

// signLists are the words, each of three bytes or more and in lower case.
var signLists = map[signs][]string{
	signOfCommand: {"$ifs", "${ifs", "$shell -", "${shell} -", "bin/sh", "bin/bash", "bin/cat", "bin/id", "bin/ls", "bin/nc", "bin/wget", "bin/curl", "bin/uname",
		"/dev/tcp/", "/dev/udp/", "() {", "(){", "<!--#exec", "<!--#include", "cmd /c", "cmd.exe", "powershell -", "cat /etc", "wget http", "curl http"},
	signOfPHP: {"php://", "phar://", "expect://", "zip://", "ogg://", "ssh2://", "zlib://", "glob://", "data://", "<?php", "<?=",
		"allow_url_include", "auto_prepend_file", "invokefunction", "call_user_func", "$_get", "$_post", "$_request", "$_server", "$_cookie",
		"$_files", "$_session", "globals["},
	signOfPHPCall: phpCalls,
	signOfPHPName: {"system", "passthru", "exec", "popen", "proc_open", "assert", "phpinfo"},
	signOfTemplate: {"<#assign", "#set(", "#set (", "freemarker.template", "java.lang.runtime", "java.lang.processbuilder", "class.module.classloader",
		"__proto__", "constructor[prototype]", "constructor.prototype", "!!python/object"},
	signOfNoSQL: {"[$ne]", "[$gt]", "[$gte]", "[$lt]", "[$lte]", "[$in]", "[$nin]", "[$regex]", "[$where]", "[$exists]", "[$or]", "[$and]", "[$not]", "[$eq]",
		"$where:", `"$where"`, `"$ne"`, `"$gt"`, `"$gte"`, `"$lt"`, `"$lte"`, `"$nin"`, `"$regex"`, `"$exists"`, "$or: [", `"$or"`},
	signOfXML:     {"<!entity", "<xi:include", "xmlns:xi="},
	signOfDoctype: {"<!doctype"},
	signOfFile: {"etc/passwd", "etc/shadow", "etc/group", "etc/hosts", "etc/issue", "etc/ssh/", "proc/self", "proc/version", "proc/cmdline", "win.ini", "boot.ini",
		"system.ini", "system32", "web-inf/", `web-inf\`, "meta-inf/", ".ssh/id_", ".ssh/authorized", ".aws/credentials", "/var/log/", "ntuser.dat", "c:/windows", `c:\windows`,
		"0x2e0x2e", "..../", `....\`},
	signOfScript: {"script:", "alert", "prompt", "confirm", "document."},
	signOfTag:    {"script"},
	signOfCallback: {".oast.fun", ".oast.me", ".oast.pro", ".oast.live", ".oast.site", ".oast.online", ".oastify.com", ".burpcollaborator.net",
		".interact.sh", ".dnslog.cn", ".ceye.io", ".eyes.sh", ".bxss.me", "//bxss.me", ".xss.ht"},
	signOfStatement: {"select", "waitfor", "iif", "drop", "alter", "truncate", "insert", "delete", "update", "exec", "declare"},
}

// signTrigrams has the words by their first three bytes.
var signTrigrams = func() (t struct {
	at    [1 << trigramBits]uint8 // number of their list, by trigram; 0: there is none
	words [][]sign
}) {
	t.words = make([][]sign, 1)
	for of, list := range signLists {
		for _, word := range list {
			at := &t.at[trigram(trigram(trigram(0, word[0]), word[1]), word[2])]
			if *at == 0 {
				*at = uint8(len(t.words))
				t.words = append(t.words, nil)
			}
			t.words[*at] = append(t.words[*at], sign{word, of})
		}
	}
	return t
}()

type sign struct {
	word string
	of   signs
}

const trigramBits = 12

// trigram returns the number of the last three bytes, of which c is the last.
func trigram(before uint16, c byte) uint16 { return (before<<5 ^ uint16(c)) & (1<<trigramBits - 1) }

// signsIn returns the signs of a text in lower case. It goes through it once, whatever the
// number of words.
func signsIn(lower string) (found signs) {
	var last uint16
	for i := range len(lower) {
		last = trigram(last, lower[i])
		at := signTrigrams.at[last]
		if at == 0 || i < 2 {
			continue
		}
		for _, s := range signTrigrams.words[at] {
			if found&s.of == 0 && strings.HasPrefix(lower[i-2:], s.word) {
				found |= s.of
			}
		}
	}
	return found
}
