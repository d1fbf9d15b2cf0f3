"""Secrets on command lines and in requests: none is kept, and what holds none stays as it was typed."""

from __future__ import annotations

import re
from operator import itemgetter

import pytest

from gateway.changes.secret_lines import hide_argv, hide_line, hide_line_of_file, hide_request, hide_unit

PASSWORD = "hunter2"

HIDDEN = r"""
mysql -phunter2 -e 'DELETE FROM t'
=> mysql -p[secret] -e 'DELETE FROM t'
sudo mysqldump -uroot -p'hunter2 x' db
=> sudo mysqldump -uroot -p[secret] db
mysql -p'$hunter2' db
=> mysql -p[secret] db
mysql --password=hunter2 db
=> mysql --password=[secret] db
mysql -e "CREATE USER 'a' IDENTIFIED BY 'hunter2'"
=> mysql -e "CREATE USER 'a' IDENTIFIED BY '[secret]'"
curl -u bob:hunter2 -X DELETE https://x/y
=> curl -u bob:[secret] -X DELETE https://x/y
curl -sSu bob:hunter2 https://x/y
=> curl -sSu bob:[secret] https://x/y
curl --user=bob:hunter2 https://x/y
=> curl --user=bob:[secret] https://x/y
curl -H 'Authorization: Bearer hunter2' x
=> curl -H 'Authorization: [secret]' x
curl -H'X-Api-Key:hunter2' x
=> curl -HX-Api-Key:[secret] x
curl -d 'user=a&password=hunter2' x
=> curl -d 'user=a&password=[secret]' x
wget --header='Cookie: hunter2' x
=> wget '--header=Cookie: [secret]' x
PGPASSWORD=hunter2 psql -c 'DROP TABLE x'
=> PGPASSWORD=[secret] psql -c 'DROP TABLE x'
env SSHPASS=hunter2 sshpass -e ssh x
=> env SSHPASS=[secret] sshpass -e ssh x
psql -qc "ALTER ROLE bob PASSWORD 'hunter2'"
=> psql -qc "ALTER ROLE bob PASSWORD '[secret]'"
docker login -u bob -p hunter2 reg.example
=> docker login -u bob -p [secret] reg.example
echo hunter2 | docker login -u b --password-stdin reg
=> echo [secret] | docker login -u b --password-stdin reg
printf %s hunter2 | docker secret create token -
=> printf [secret] [secret] | docker secret create token -
docker run -d -e DB_PASSWORD=hunter2 -eAPI_TOKEN=hunter2 -e LEVEL=info i
=> docker run -d -e DB_PASSWORD=[secret] -eAPI_TOKEN=[secret] -e LEVEL=info i
docker swarm join --token hunter2 10.0.0.1:2377
=> docker swarm join --token [secret] 10.0.0.1:2377
docker exec -it db mysql -phunter2
=> docker exec -it db mysql -p[secret]
skopeo copy --src-creds a:hunter2 x y
=> skopeo copy --src-creds a:[secret] x y
kubectl create secret generic x --from-literal=user=hunter2 --from-literal a=hunter2
=> kubectl create secret generic x --from-literal=user=[secret] --from-literal a=[secret]
kubectl create secret docker-registry x --docker-password=hunter2
=> kubectl create secret docker-registry x --docker-password=[secret]
kubectl exec -n shop db-0 -- mysql -phunter2
=> kubectl exec -n shop db-0 -- mysql -p[secret]
sh -c "mysql -phunter2 -e 'drop table x'"
=> sh -c "mysql -p[secret] -e 'drop table x'"
ssh db 'sudo sh -c "redis-cli -a hunter2 flushall"'
=> ssh db "sudo sh -c 'redis-cli -a [secret] flushall'"
redis-cli CONFIG SET requirepass hunter2
=> redis-cli CONFIG SET requirepass [secret]
redis-cli AUTH bob hunter2
=> redis-cli AUTH [secret] [secret]
echo 'root:hunter2' | sudo chpasswd
=> echo [secret] | sudo chpasswd
chpasswd <<< 'root:hunter2'
=> chpasswd <<< [secret]
useradd -m -p hunter2 bob
=> useradd -m -p [secret] bob
htpasswd -bc /etc/f bob hunter2
=> htpasswd -bc /etc/f bob [secret]
openssl enc -aes-256-cbc -pass pass:hunter2 -in f
=> openssl enc -aes-256-cbc -pass pass:[secret] -in f
vault kv put secret/x a=hunter2 b=hunter2
=> vault kv put secret/x a=[secret] b=[secret]
aws configure set aws_secret_access_key hunter2
=> aws configure set aws_secret_access_key [secret]
rabbitmqctl add_user bob hunter2
=> rabbitmqctl add_user bob [secret]
mount -t cifs -o username=a,password=hunter2 //x /y
=> mount -t cifs -o username=a,password=[secret] //x /y
smbclient -U bob%hunter2 //x/y
=> smbclient -U bob%[secret] //x/y
zip -rP hunter2 a.zip b
=> zip -rP [secret] a.zip b
7z a -phunter2 a.7z b
=> 7z a -p[secret] a.7z b
keytool -storepass hunter2 -list
=> keytool -storepass [secret] -list
systemctl stop a; some-tool --client-secret hunter2
=> systemctl stop a; some-tool --client-secret [secret]
some-tool --apiKey=hunter2 && rm x
=> some-tool --apiKey=[secret] && rm x
"""

KEPT = r"""
mysql -p"$PASS" db
mysql -p -u root -h db shop < dump.sql
curl -u bob https://x/y
curl -H "Accept: text/html" -X DELETE https://x/y
PGPASSWORD=$(cat /run/secrets/db) psql -c 'DROP TABLE x'
rm -rf /tmp/x && sed -i 's/max_tokens=1/max_tokens=2/' f
mkdir -p /srv/mysql && cp -p /a /b
tar xf a.tar -C /var/lib/mysql
apt-get install -y mysql-server
docker run -d -e LEVEL=info -p 80:80 --name web nginx
docker login -u bob --password-stdin reg.example
sed -i 's/it'\''s/its/' /etc/motd
tee -a /etc/hosts <<< '10.0.0.1 db'
printf 'a\n' | sudo tee /etc/motd
vault read secret/x
echo it's unbalanced
kubectl scale deployment/web --replicas=3 -n shop
"""


@pytest.mark.parametrize("pair", re.findall(r"(.+)\n=> (.+)", HIDDEN), ids=itemgetter(0))
def test_what_a_program_is_given_in_secret_is_cut_out(pair: tuple[str, str]) -> None:
    typed, expected = pair
    assert hide_line(typed) == expected
    assert PASSWORD not in expected


@pytest.mark.parametrize("line", KEPT.strip().splitlines())
def test_what_holds_no_secret_stays_as_typed(line: str) -> None:
    assert hide_line(line) == line


def test_lines_of_a_script_are_looked_at_one_by_one() -> None:
    text = "set -e\nmysql -phunter2 shop <<'END'\nDELETE FROM t;\nEND\necho it's done\n"
    assert hide_line(text) == text.replace("hunter2", "[secret]")


def test_words_of_a_command_are_cut_as_its_line_would_be() -> None:
    assert hide_argv(["mysql", "-phunter2", "-e", "DROP TABLE x"]) == [
        *("mysql", "-p[secret]", "-e", "DROP TABLE x")
    ]
    assert hide_argv(["sh", "-c", "curl -u a:hunter2 x"]) == ["sh", "-c", "curl -u a:[secret] x"]
    assert hide_argv([]) == []


def test_a_line_of_a_file_keeps_settings_that_only_sound_secret() -> None:
    assert hide_line_of_file("max_tokens=4096") == "max_tokens=4096"
    assert hide_line_of_file("0 3 * * * root mysqldump -phunter2 shop > /x") == (
        "0 3 * * * root mysqldump -p[secret] shop > /x"
    )


def test_secrets_in_the_query_of_a_request_are_cut_out() -> None:
    path = "/api/v1/namespaces/shop/pods/db-0/exec"
    assert hide_request(f"POST {path}?command=mysql&command=-phunter2&container=db") == (
        f"POST {path}?command=mysql&command=-p[secret]&container=db"
    )
    build = "POST /v1.41/build?t=x&buildargs=%7B%22DB_PASSWORD%22%3A%22hunter2%22%7D"
    assert hide_request(build) == 'POST /v1.41/build?t=x&buildargs={"DB_PASSWORD":"[secret]"}'
    plain = "GET /v1.41/containers/json?filters=%7B%22name%22%3A%5B%22web%22%5D%7D"
    assert hide_request(plain) == plain


def test_a_title_is_a_request_or_a_command() -> None:
    assert hide_unit("docker exec db mysql -phunter2") == "docker exec db mysql -p[secret]"
    assert hide_unit("POST /x?token=hunter2") == "POST /x?token=[secret]"


def test_hostile_lines_are_read_in_little_time() -> None:
    for hostile in ("'" * 20_000, '"\\' * 10_000, "$(" * 10_000, "mysql " * 5_000, "`a" * 10_000):
        hide_line(hostile)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a=$(redis-cli -a hunter2 get x)", "a=$(redis-cli -a [secret] get x)"),
        ('x "$(mysql -phunter2)"', 'x "$(mysql -p[secret])"'),
        ("`mysql -phunter2`", "`mysql -p[secret]`"),
        ("chpasswd <<EOF\nroot:hunter2\nbob:hunter2\nEOF\nls", "chpasswd <<EOF\n[secret]\nEOF\nls"),
        ("cat <<'E' | chpasswd\nroot:hunter2\nE", "cat <<'E' | chpasswd\n[secret]\nE"),
        ("cat <<E > f\nplain\nE", "cat <<E > f\nplain\nE"),
        ("cat <<< hunter2 | passwd --stdin bob", "cat <<< [secret] | passwd --stdin bob"),
        ("curl 'http://x/?a=1&token=hunter2'", "curl 'http://x/?a=1&token=[secret]'"),
        ("TOKEN+=hunter2", "TOKEN+=[secret]"),
        ("""curl -d '{"token":"hunter2","a":1}' x""", """curl -d '{"token":"[secret]","a":1}' x"""),
        ("""patch -p '{"stringData":{"a":"hunter2"}}'""", """patch -p '{"stringData":{"a":"[secret]"}}'"""),
        (
            """patch -p '[{"name":"DB_PASSWORD","value":"hunter2"}]'""",
            """patch -p '[{"name":"DB_PASSWORD","value":"[secret]"}]'""",
        ),
        ("""patch -p '{"a":{"replicas":3}}'""", """patch -p '{"a":{"replicas":3}}'"""),
    ],
)
def test_secrets_are_found_within_what_a_line_hands_on(line: str, shown: str) -> None:
    assert hide_line(line) == shown


def test_a_parameter_loses_what_has_the_shape_of_a_secret_behind_escapes() -> None:
    assert "hunter2" not in hide_request("POST /build?remote=https%3A%2F%2Fbob%3Ahunter2%40host")
    assert "hunter2" not in hide_request("POST /commit?changes=ENV+PASSWORD%3Dhunter2")
