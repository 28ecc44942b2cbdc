#include <gtest/gtest.h>

#include "pkg/base/status.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/kubeapi/resource_version.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::kubeapi {
namespace {

using nlohmann::json;

TEST(Resource, KnowsItsPaths) {
  EXPECT_EQ(ScalingPolicies().CollectionPath("shop"), "/apis/ottoscale.dev/v1alpha1/namespaces/shop/scalingpolicies");
  EXPECT_EQ(ScalingPolicies().CollectionPath(""), "/apis/ottoscale.dev/v1alpha1/scalingpolicies");
  EXPECT_EQ(Secrets().ObjectPath("shop", "heroku"), "/api/v1/namespaces/shop/secrets/heroku");
  EXPECT_EQ(ScalingPolicies().StatusPath("a", "b"),
            "/apis/ottoscale.dev/v1alpha1/namespaces/a/scalingpolicies/b/status");
  EXPECT_EQ(Leases().ApiVersion(), "coordination.k8s.io/v1");
  EXPECT_EQ(Secrets().GroupResource(), "secrets");
  EXPECT_EQ(Events().GroupResource(), "events.events.k8s.io");
}

TEST(Resource, ANameCannotLeaveItsSegment) {
  EXPECT_EQ(Secrets().ObjectPath("shop", "../x?y"), "/api/v1/namespaces/shop/secrets/..%2fx%3fy");
  EXPECT_EQ(Secrets().ObjectPath("..", "."), "/api/v1/namespaces/%2E%2E/secrets/%2E");
}

TEST(ObjectKey, IsOrderedByNamespaceThenName) {
  EXPECT_LT((ObjectKey{"a", "z"}), (ObjectKey{"b", "a"}));
  EXPECT_LT((ObjectKey{"a", "a"}), (ObjectKey{"a", "b"}));
  EXPECT_EQ((ObjectKey{"a", "b"}).ToString(), "a/b");
}

TEST(ObjectMeta, IsReadFromAnObject) {
  const json object = json::parse(R"({"metadata": {"name": "web", "namespace": "shop", "uid": "u-1",
      "resourceVersion": "42", "generation": 7, "creationTimestamp": "2026-01-01T00:00:00Z",
      "deletionTimestamp": "2026-01-02T00:00:00Z", "labels": {"a": "b"}, "annotations": {"c": "d"}}})");
  const absl::StatusOr<ObjectMeta> meta = ReadMeta(object);
  ASSERT_TRUE(meta.ok()) << meta.status();
  const absl::Time day_one = absl::FromCivil(absl::CivilDay(2026, 1, 1), absl::UTCTimeZone());
  EXPECT_EQ(*meta, (ObjectMeta{.name = "web",
                               .ns = "shop",
                               .uid = "u-1",
                               .resource_version = "42",
                               .generation = 7,
                               .creation_time = day_one,
                               .deletion_time = day_one + absl::Hours(24),
                               .labels = {{"a", "b"}},
                               .annotations = {{"c", "d"}}}));
}

TEST(ObjectMeta, RefusesWhatIsNoMetadata) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {R"([])", "the object has no metadata"},
      {R"({"metadata": []})", "the object has no metadata"},
      {R"({"metadata": {}})", "metadata.name is missing"},
      {R"({"metadata": {"name": 3}})", "metadata.name is not a text"},
      {R"({"metadata": {"name": "a", "generation": 1.5}})", "metadata.generation is not a whole number"},
      {R"({"metadata": {"name": "a", "generation": 18446744073709551615}})",
       "metadata.generation is not a whole number"},
      {R"({"metadata": {"name": "a", "labels": {"x": 1}}})", "metadata.labels is not a map of texts"},
      {R"({"metadata": {"name": "a", "deletionTimestamp": "soon"}})", "metadata.deletionTimestamp is not a time"},
  };
  for (const auto& [text, message] : rows) EXPECT_EQ(ReadMeta(json::parse(text)).status().message(), message) << text;
}

TEST(TimeFormat, PrintsAndReadsBothFormats) {
  const absl::Time time = absl::FromUnixMicros(1'764'075'015'123'456);
  EXPECT_EQ(PrintTime(time), "2025-11-25T12:50:15Z");
  EXPECT_EQ(PrintMicroTime(time), "2025-11-25T12:50:15.123456Z");
  EXPECT_EQ(*ParseTime(PrintMicroTime(time)), time);
  EXPECT_EQ(*ParseTime("2025-11-25T14:50:15.5+02:00"), absl::FromUnixMillis(1'764'075'015'500));
}

TEST(TimeFormat, RefusesEverythingElse) {
  for (const absl::string_view text :
       {"", "infinite-future", "2025-11-25", " 2025-11-25T12:50:15Z", "2025-11-25T12:50:15Z ", "2025-11-25T12:50:15",
        "12025-11-25T12:50:15Z", "2025-13-25T12:50:15Z", "2025-11-25T25:50:15Z"}) {
    EXPECT_FALSE(ParseTime(text).ok()) << text;
  }
}

TEST(ResourceVersion, ComparesDecimalsOfAnyLength) {
  EXPECT_EQ(CompareResourceVersions("9", "10"), std::strong_ordering::less);
  EXPECT_EQ(CompareResourceVersions("123456789012345678901", "123456789012345678902"), std::strong_ordering::less);
  EXPECT_EQ(CompareResourceVersions("0", "0"), std::strong_ordering::equal);
  EXPECT_EQ(CompareResourceVersions("12", "11"), std::strong_ordering::greater);
  for (const absl::string_view opaque : {"", "01", "-1", "1a", "a1b2"}) {
    EXPECT_EQ(CompareResourceVersions(opaque, "1"), std::nullopt) << opaque;
  }
}

TEST(Base64, IsStrictAboutAllButLineBreaks) {
  EXPECT_EQ(EncodeBase64("key\n"), "a2V5Cg==");
  EXPECT_EQ(*DecodeBase64("a2V5\r\nCg==\n"), "key\n");
  EXPECT_EQ(*DecodeBase64(""), "");
  for (const absl::string_view bad : {"a2V5Cg", "a2V5Cg=", "a2V5 Cg==", "a2V5Cg..", "a2V5Ch==", "_-==", "plain text"}) {
    EXPECT_FALSE(DecodeBase64(bad).ok()) << bad;
  }
}

ApiError FullError() {
  return {.code = 422,
          .reason = ErrorReason::kInvalid,
          .message = "no",
          .group = "ottoscale.dev",
          .kind = "ScalingPolicy",
          .name = "web",
          .causes = {{.reason = "FieldValueInvalid", .message = "too big", .field = "spec.maxCapacity"}},
          .retry_after = absl::Seconds(3)};
}

TEST(ApiError, SurvivesJsonAndStatus) {
  EXPECT_EQ(ApiErrorFromJson(ToJson(FullError())), FullError());
  const absl::Status status = Annotate("put policy", ToStatus(FullError()));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "put policy: no");
  EXPECT_EQ(ApiErrorOf(status), FullError());
}

TEST(ApiError, EachReasonSurvivesItsNameAndHasAnErrorCode) {
  for (int i = 1; i <= static_cast<int>(ErrorReason::kTimeout); ++i) {
    const ErrorReason reason = static_cast<ErrorReason>(i);
    EXPECT_EQ(ReasonFromName(ReasonName(reason)), reason) << i;
    EXPECT_GE(HttpCode(reason), 400) << i;
    EXPECT_FALSE(ToStatus(MakeApiError(reason, "x")).ok()) << i;
    EXPECT_EQ(ReasonOf(ToStatus(MakeApiError(reason, "x"))), reason) << i;
  }
}

TEST(ApiError, AnAnswerWithoutAStatusObjectIsToldByItsCode) {
  const ApiError page = ApiErrorFromAnswer(503, "<html>busy</html>", "7");
  EXPECT_EQ(page.reason, ErrorReason::kServiceUnavailable);
  EXPECT_EQ(page.message, "the server answered 503: <html>busy</html>");
  EXPECT_EQ(page.retry_after, absl::Seconds(7));
  EXPECT_TRUE(IsExpired(ToStatus(ApiErrorFromAnswer(410, "", ""))));
  EXPECT_EQ(ApiErrorFromAnswer(502, "", "-1"), (ApiError{.code = 502, .message = "the server answered 502"}));
  EXPECT_EQ(ToStatus(ApiErrorFromAnswer(502, "", "")).code(), absl::StatusCode::kUnavailable);
}

TEST(ApiError, TheHeaderWinsOverTheBody) {
  EXPECT_EQ(ApiErrorFromAnswer(422, ToJson(FullError()).dump(), "9").retry_after, absl::Seconds(9));
}

TEST(ApiError, OtherObjectsAndOtherErrorsHaveNone) {
  EXPECT_EQ(ApiErrorFromJson(json::parse(R"({"kind": "Status", "status": "Success"})")), std::nullopt);
  EXPECT_EQ(ApiErrorFromJson(json::parse(R"({"kind": "Secret"})")), std::nullopt);
  EXPECT_EQ(ReasonOf(absl::NotFoundError("a file")), ErrorReason::kUnknown);
  EXPECT_FALSE(Is(absl::OkStatus(), ErrorReason::kNotFound));
}

}  // namespace
}  // namespace ottoscale::kubeapi
