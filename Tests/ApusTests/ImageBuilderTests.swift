import ApusABI
import ApusAssembler
import ApusCollections
import ApusFormat
import Testing

@testable import Apus

/// Batches put together: each function keeps its own records.
@Suite struct ImageBuilderTests {
    /// A batch of one function of 8 bytes, behind `padding` others, with a call that is caught and
    /// one that can trap.
    private static func batch(_ index: UInt32, padding: Int, bodyOffset: UInt32) -> CodeBatch {
        var batch = CodeBatch()
        for _ in 0..<16 * padding { batch.code.append(0xCC) }
        var function = CompiledFunction(
            index: index, codeStart: batch.code.count, behind: batch.sites)
        for _ in 0..<8 { batch.code.append(0x90) }
        batch.sites.traps.append(
            TrapSite(codeOffset: 1, bodyOffset: bodyOffset, code: .unreachable))
        batch.sites.calls.append(
            CallSite(codeOffset: 5, bodyOffset: bodyOffset + 1, handlers: 0))
        batch.sites.handlerLists.append(HandlerList(start: 0, count: 1))
        batch.sites.handlers.append(
            ExceptionHandler(tag: bodyOffset, wantsReference: true, landingOffset: 6))
        function.end(codeEnd: batch.code.count, batch.sites, relocationCount: 0)
        batch.functions.append(function)
        return batch
    }

    @Test func recordsOfBatchesAreAppended() throws {
        let module = try Module(Engine(), text: "(module (func) (func) (func))")
        var builder = try ImageBuilder(module.loaded.module)
        for index in 0..<3 as Range<UInt32> {
            try builder.append(Self.batch(index, padding: Int(index), bodyOffset: 10 * index))
        }
        let image = try builder.finish()
        for index in 0..<3 {
            let function = image.functions[index]
            #expect(function.codeStart % 16 == 0)
            #expect(function.codeLength == 8)
            let body = UInt32(10 * index)
            #expect(image.sites.trap(at: function.codeStart + 1)?.bodyOffset == body)
            let found = image.sites.call(returningTo: function.codeStart + 5)
            let call = try #require(found)
            #expect(call.bodyOffset == body + 1)
            var tags: [UInt32?] = []
            image.sites.forEachHandler(of: call, in: function) { tags.append($0.tag) }
            #expect(tags == [body])
        }
    }
}
