/* Contacts that look like a person's rather than an office's. What is published is kept by all
 * partners, so people are asked before; only a guess, so never more than a warning. */
#include "common/announcement_parts.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Where people have addresses of their own; an office of an institution has one at the institution.
 */
static const char *const providers[] = {
    "gmail.com",    "googlemail.com", "outlook.com",   "hotmail.com", "live.com",
    "msn.com",      "yahoo.com",      "ymail.com",     "icloud.com",  "me.com",
    "aol.com",      "gmx.com",        "gmx.net",       "gmx.de",      "web.de",
    "mail.com",     "zoho.com",       "proton.me",     "pm.me",       "protonmail.com",
    "tutanota.com", "qq.com",         "vip.qq.com",    "foxmail.com", "163.com",
    "vip.163.com",  "126.com",        "yeah.net",      "139.com",     "189.cn",
    "sina.com",     "sina.cn",        "sohu.com",      "aliyun.com",  "mail.ru",
    "bk.ru",        "list.ru",        "inbox.ru",      "internet.ru", "yandex.ru",
    "yandex.com",   "ya.ru",          "rambler.ru",    "yahoo.co.th", "hotmail.co.th",
    "mweb.co.za",   "telkomsa.net",   "webmail.co.za", "yahoo.co.uk", "hotmail.co.uk",
    "sltnet.lk",
};

/* Words, and from four letters on beginnings of words, that stand in the addresses of offices. */
static const char *const office_words[] = {
    "academ",   "access",   "admin",    "admiss",   "agency",  "alumni",   "announc",  "appl",
    "area",     "beam",     "bureau",   "business", "call",    "campus",   "career",   "center",
    "central",  "centre",   "communi",  "confer",   "contact", "contract", "cooper",   "coordin",
    "course",   "data",     "dept",     "desk",     "develop", "director", "divis",    "educ",
    "enquir",   "event",    "exchange", "expert",   "facil",   "faculty",  "fellow",   "finance",
    "foreign",  "fund",     "general",  "global",   "grant",   "group",    "head",     "help",
    "host",     "hr",       "incub",    "info",     "innov",   "inquir",   "institut", "int",
    "intern",   "invest",   "io",       "ird",      "joint",   "journal",  "lab",      "labor",
    "legal",    "liaison",  "library",  "licen",    "mail",    "manage",   "market",   "media",
    "minist",   "no",       "office",   "open",     "park",    "partner",  "patent",   "phd",
    "press",    "program",  "project",  "public",   "rd",      "rector",   "region",   "regist",
    "relation", "research", "resource", "scholar",  "school",  "sci",      "scien",    "secret",
    "section",  "service",  "staff",    "student",  "submi",   "support",  "team",     "tech",
    "train",    "transfer", "tto",      "uni",      "univers", "user",     "visit",    "web",
    "work",
};

static bool is_provider(const char *domain)
{
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
        if (strcasecmp(domain, providers[i]) == 0)
            return true;
    return false;
}

static bool is_office_word(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof office_words / sizeof *office_words; i++) {
        size_t length = strlen(office_words[i]);

        if ((length == size || (length > 3 && length < size)) &&
            strncasecmp(word, office_words[i], length) == 0)
            return true;
    }
    return false;
}

static bool is_letters(const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalpha((unsigned char)word[i]))
            return false;
    return size > 0;
}

/* "somchai.jaidee", "j.smith", "anna_maria_petrova": two or three words of letters, the last one
 * long enough for a family name, and none that an office would have. */
static bool is_persons_name(const char *name, size_t size)
{
    const char *end = name + size;
    size_t words = 0, last = 0;

    while (name < end) {
        last = strcspn(name, "._@");
        if (!is_letters(name, last) || is_office_word(name, last))
            return false;
        words++;
        name += last + 1;
    }
    return (words == 2 || words == 3) && last >= 3;
}

const char *announcement_personal_email(const char *email)
{
    const char *at = strrchr(email, '@');

    if (!at || at == email)
        return NULL;
    if (is_provider(at + 1))
        return "an address at a provider for everybody";
    if (is_persons_name(email, (size_t)(at - email)))
        return "an address that looks like a person's";
    return NULL;
}
