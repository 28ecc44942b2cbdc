// The transports of this folder under the contract of the seam.
#include "test/contracts/transport_contract.h"

namespace ottoscale::contracts {

INSTANTIATE_TEST_SUITE_P(Http, AnyTransport, testing::Values(Profile::kLoopback, Profile::kCloud, Profile::kProbe),
                         ProfileName());
INSTANTIATE_TEST_SUITE_P(Http, WireTransport, testing::Values(Profile::kCloud, Profile::kProbe), ProfileName());
INSTANTIATE_TEST_SUITE_P(Http, WireTls, testing::Values(Profile::kCloud, Profile::kProbe), ProfileName());
INSTANTIATE_TEST_SUITE_P(Http, CloudIdentity, testing::Values(Profile::kCloud), ProfileName());
INSTANTIATE_TEST_SUITE_P(Http, CloudTransportRow, testing::Values(Profile::kCloud), ProfileName());
INSTANTIATE_TEST_SUITE_P(Http, ProbeTransportRow, testing::Values(Profile::kProbe), ProfileName());

}  // namespace ottoscale::contracts
