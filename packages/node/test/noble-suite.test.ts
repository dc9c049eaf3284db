import { nobleSuite } from "@postern/core/crypto/noble";
import { testSuite } from "./suite-conformance.ts";
import { testSuiteVectors } from "./suite-vectors.ts";

testSuite("nobleSuite", nobleSuite);
testSuiteVectors("nobleSuite", nobleSuite);
