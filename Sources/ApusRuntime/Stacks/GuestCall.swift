internal import ApusCollections
internal import CApusHost

/// A call on a stack of its own, from where it gets that until it has ended. It has the only
/// reference to the stack, which is counted nowhere: most calls end sooner than counting takes.
@safe @usableFromInline
struct GuestCall: BitwiseCopyable {
    // SAFETY: the record is that of the stack whose reference the call has. The cells are the
    // stack's, as many as the call takes.
    let record: UnsafeMutablePointer<apus_guest_stack>
    /// Where its arguments go and its results are.
    @usableFromInline let cells: UnsafeMutableRawPointer

    /// A call of `target` on the stack of `record`, as soon as that is switched to. Its cells,
    /// `count` at least, are the caller's to fill.
    init(
        _ target: CallTarget, cells count: Int, on record: UnsafeMutablePointer<apus_guest_stack>
    ) throws(ResourceError) {
        // SAFETY: the record is of a stack that was taken for this call alone, and has cells for
        // it, or gets them; the target's instance lives as long as the store that is called.
        unsafe self.record = unsafe record
        let values: UnsafeMutablePointer<UInt64>
        if count <= Int(apus_guest_cell_count) {
            unsafe values = unsafe apus_guest_stack_cells(record)
        } else {
            unsafe values = try unsafe GuestStack.of(record).makeCells(count)
        }
        unsafe cells = UnsafeMutableRawPointer(values)
        unsafe record.pointee.entry = target.entry
        unsafe record.pointee.context = target.context
        unsafe record.pointee.code = target.code
        unsafe record.pointee.values = unsafe values
        unsafe record.pointee.argument_count = UInt32(truncatingIfNeeded: target.parameterCount)
        unsafe record.pointee.result_count = UInt32(truncatingIfNeeded: target.cellCount)
    }

    // SAFETY: the call has the reference to the stack, and so its record, until it has ended.
    /// The stack, for what takes longer.
    var stack: GuestStack { unsafe GuestStack.of(record) }

    // SAFETY: the record is the call's until that has ended.
    /// The cells, as references are looked for in them.
    var values: UnsafeMutablePointer<UInt64> { unsafe record.pointee.values }
    var argumentCount: Int { unsafe Int(record.pointee.argument_count) }
    var resultCount: Int { unsafe Int(record.pointee.result_count) }

    // SAFETY: the record is the call's until that has ended.
    /// Whether its guest has left the stack and is to come back.
    var isLeft: Bool { unsafe record.pointee.state > apus_guest_running.rawValue }
    /// Whether it is no call that another one waits for.
    var isOutermost: Bool { unsafe record.pointee.parent == nil }
}

extension GuestStack {
    // SAFETY: the record has its owner as long as that lives, which whoever has the record sees to.
    /// The stack whose record this is.
    static func of(_ record: UnsafeMutablePointer<apus_guest_stack>) -> GuestStack {
        let owner = unsafe record.pointee.owner.unsafelyUnwrapped
        return unsafe Unmanaged<GuestStack>.fromOpaque(owner).takeUnretainedValue()
    }
}
