import ApusABI
import ApusAssembler
import ApusCollections
import Testing

@testable import Apus

/// What is said behind instructions.
@Suite struct AssemblyListingTests {
    @Test func callsShowWhatIsCaught() {
        var batch = CodeBatch()
        var function = CompiledFunction(index: 0, behind: batch.sites)
        for byte in [0xE8, 0, 0, 0, 0, 0x90, 0x0F, 0x0B] as [UInt8] { batch.code.append(byte) }
        batch.sites.calls.append(CallSite(codeOffset: 5, bodyOffset: 17, handlers: 0))
        batch.sites.traps.append(TrapSite(codeOffset: 6, bodyOffset: 19, code: .unreachable))
        batch.sites.handlerLists.append(HandlerList(start: 0, count: 2))
        for tag in [3, nil] as [UInt32?] {
            batch.sites.handlers.append(
                ExceptionHandler(tag: tag, wantsReference: false, landingOffset: 0x2A))
        }
        function.end(codeEnd: batch.code.count, batch.sites, relocationCount: 0)
        batch.functions.append(function)
        let lines = AssemblyListing(batch).text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasSuffix("; @17, tag 3 at 002a, all at 002a"))
        #expect(!lines[1].contains(";"))
        #expect(lines[2].hasSuffix("; @19 unreachable"))
    }
}
