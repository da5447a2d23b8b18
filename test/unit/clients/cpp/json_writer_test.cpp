#include "clients/cpp/json_writer.h"

#include <catch2/catch.hpp>

#include <cmath>

using helix::JsonWriter;

TEST_CASE("objects, lists and numbers", "[client]") {
  JsonWriter json;
  json.open('{').key("a").value(1).key("b").open('[').value(0.1).value(true).null().close(']');
  json.key("c").open('{').close('}').key("d").value(std::optional<double>()).close('}');
  CHECK(json.text() ==
        "{\n  \"a\": 1,\n  \"b\": [\n    0.1,\n    true,\n    null\n  ],\n  \"c\": {},\n  \"d\": null\n}\n");
}

TEST_CASE("strings are escaped, numbers that JSON lacks are null", "[client]") {
  CHECK(JsonWriter().value("a\"b\\c\n").text() == "\"a\\\"b\\\\c\\u000a\"\n");
  CHECK(JsonWriter().value(std::nan("")).text() == "null\n");
  CHECK(JsonWriter().value(HUGE_VAL).text() == "null\n");
}
