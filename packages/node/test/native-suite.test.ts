import { nativeSuite } from "../src/native-suite.ts";
import { testSuite } from "./suite-conformance.ts";
import { testSuiteVectors } from "./suite-vectors.ts";

testSuite("nativeSuite", nativeSuite);
testSuiteVectors("nativeSuite", nativeSuite);
