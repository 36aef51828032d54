import CApusHost
import Testing

@testable import ApusABI

@Suite struct TrapSiteTests {
    @Test(arguments: TrapCode.allCases)
    func siteKeepsPlaceAndCode(_ code: TrapCode) {
        let site = TrapSite(codeOffset: .max, bodyOffset: 7_654_321, code: code)
        #expect(site.codeOffset == .max)
        #expect(site.bodyOffset == 7_654_321)
        #expect(site.code == code)
    }

    @Test func theSignalHandlerReadsTheSameRecord() {
        let site = TrapSite(codeOffset: 3, bodyOffset: 5, code: .stackExhausted)
        let record = unsafe unsafeBitCast(site, to: apus_trap_site.self)
        #expect(record.code_offset == 3)
        #expect(record.packed >> 24 == UInt32(TrapCode.stackExhausted.rawValue))
    }

    @Test func runtimeFunctionsFitTheArgumentRegisters() {
        #expect(RuntimeFunction.allCases.allSatisfy { $0.parameterCount <= 5 })
        #expect(RuntimeFunction.allCases.map(\.rawValue) == Array(0..<10))
    }
}
