import ApusABI
import Testing

@Suite struct CallSiteTests {
    /// A record is as small as `docs/abi.md` says; there is one for each call of a module.
    @Test func recordsAreSmall() {
        #expect(MemoryLayout<CallSite>.stride == 12)
        #expect(MemoryLayout<ExceptionHandler>.stride == 8)
        #expect(MemoryLayout<HandlerList>.stride == 12)
    }

    @Test(arguments: [nil, 0, 255, 256, 0xF_FFFE] as [UInt32?])
    func sitesKeepTheirNumbers(number: UInt32?) {
        let body: UInt32 = 7_654_321
        let caught = CallSite(codeOffset: .max, bodyOffset: body, handlers: number)
        #expect(caught.codeOffset == .max)
        #expect(caught.bodyOffset == body)
        #expect(caught.handlers == number)
        #expect(caught.saved == .none)
        for bits: UInt64 in 0..<16 {
            let registers = RegisterSet(
                rawValue: bits & 1 << 3 | bits >> 1 & 1 << 12 | bits >> 2 & 1 << 13)
            for behindContext in [false, true] {
                let saved = SavedRegisters(registers, behindContext: behindContext)
                let both = CallSite(
                    codeOffset: 1, bodyOffset: body, handlers: number, saved: saved)
                #expect(both.handlers == number)
                #expect(both.saved == saved)
                #expect(both.bodyOffset == body)
            }
        }
    }

    @Test(arguments: [nil, 0, 7, 0x3FFF_FFFF] as [UInt32?], [false, true])
    func handlersKeepWhatTheyCatch(tag: UInt32?, wantsReference: Bool) {
        let handler = ExceptionHandler(
            tag: tag, wantsReference: wantsReference, landingOffset: .max)
        #expect(handler.tag == tag)
        #expect(handler.wantsReference == wantsReference)
        #expect(handler.landingOffset == .max)
    }
}
