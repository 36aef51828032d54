internal import ApusAssembler
internal import ApusBaseline
internal import ApusRuntime

/// Makes the runtime's trampolines with the baseline compiler's assembler.
struct BaselineTrampolines: TrampolineSource {
    func trampolines(
        _ kinds: [TrampolineKind], hostCall: UInt, trapLeave: UInt
    ) -> (code: [UInt8], offsets: [Int]) {
        var buffer = CodeBuffer()
        let offsets = kinds.map { kind in
            switch kind {
            case .entry(let type): Trampolines.makeEntry(type, into: &buffer)
            case .host(let type): Trampolines.makeHost(type, hostCall: hostCall, into: &buffer)
            case .runtimeCall: Trampolines.makeRuntimeCall(into: &buffer)
            case .trapExit: Trampolines.makeTrapExit(trapLeave: trapLeave, into: &buffer)
            case .tailReturn: Trampolines.makeTailReturn(into: &buffer)
            }
        }
        let bytes = buffer.span
        return (bytes.indices.map { bytes[$0] }, offsets)
    }
}
