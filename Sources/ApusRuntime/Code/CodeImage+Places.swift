public import ApusABI
internal import ApusCollections

/// What is known of a place in code.
public struct CodePlace: Hashable, Sendable {
    /// In the module's function index space.
    public var functionIndex: UInt32
    /// Offset of the instruction from the start of the function's body.
    public var bodyOffset: UInt32
    /// The trap that is listed there; `none` for a return address.
    public var trap: TrapCode
}

extension CodeImage {
    /// The place at `address`: a faulting instruction, or a return address if `isReturnAddress`.
    /// Nil if the address is outside the image's functions.
    public func place(at address: UInt, isReturnAddress: Bool) -> CodePlace? {
        listed(at: address, isReturnAddress: isReturnAddress).map { places(of: $0)[0] }
    }

    /// As that, and then the places of the calls around it whose callees the code is of, up to that
    /// in the function itself. Empty if the address is outside the image's functions.
    public func places(at address: UInt, isReturnAddress: Bool) -> [CodePlace] {
        listed(at: address, isReturnAddress: isReturnAddress).map { places(of: $0) } ?? []
    }

    /// As those, at `address`, which need not be one that can stop: code is stopped anywhere by an
    /// interruption. The place is the one before it that is listed.
    public func places(near address: UInt) -> [CodePlace] {
        guard var listed = listed(at: address, isReturnAddress: false) else { return [] }
        let offset = UInt32(truncatingIfNeeded: address &- base)
        let start = functions[listed.position].codeStart
        listed.offset = sites.bodyOffset(near: offset, from: start) ?? listed.offset
        return places(of: listed)
    }

    /// What is listed of a place: where its function is in the image, and its offset there.
    private struct Listed {
        var position: Int
        var offset: UInt32 = 0
        var trap = TrapCode.none
    }

    private func places(of listed: Listed) -> [CodePlace] {
        var places: [CodePlace] = []
        sites.forEachPlace(of: listed.offset, in: functions[listed.position]) { index, offset in
            places.append(
                CodePlace(
                    functionIndex: index, bodyOffset: offset,
                    trap: places.isEmpty ? listed.trap : .none))
        }
        return places
    }

    private func listed(at address: UInt, isReturnAddress: Bool) -> Listed? {
        guard address >= base, address &- base <= UInt(codeBytes) else { return nil }
        let offset = UInt32(truncatingIfNeeded: address &- base)
        // A call may be a function's last instruction; its return address is then the next's.
        if isReturnAddress, offset == 0 { return nil }
        let inside = isReturnAddress ? offset &- 1 : offset
        let position = functions.partitioningIndex { $0.codeStart > inside } - 1
        guard position >= 0 else { return nil }
        let function = functions[position]
        guard inside &- function.codeStart < function.codeLength else { return nil }
        var listed = Listed(position: position)
        if isReturnAddress {
            listed.offset = sites.call(returningTo: offset)?.bodyOffset ?? 0
        } else if let site = sites.trap(at: offset) {
            listed.offset = site.bodyOffset
            listed.trap = site.code
        }
        return listed
    }

    /// Calls `body` with offsets of the code and of the body of `function` for all places that are
    /// known, in the order of the code: from each one up to the next the code is of that
    /// instruction. Unless the image is made for debuggers that is only roughly so, and only places
    /// that can stop or call are known. Code of callees that are in place of calls is of the calls.
    public func forEachPlace(
        of function: FunctionDescriptor, _ body: (_ code: UInt32, _ body: UInt32) -> Void
    ) {
        let end = function.codeStart &+ function.codeLength
        let position = functions.partitioningIndex { $0.codeStart >= function.codeStart }
        guard position < functions.count else { return }
        if isDebuggable {
            var place = sites.instructions.partitioningIndex { $0.codeOffset >= function.codeStart }
            while place < sites.instructions.count, sites.instructions[place].codeOffset < end {
                let site = sites.instructions[place]
                body(site.codeOffset, ownOffset(site.bodyOffset, position))
                place += 1
            }
            return
        }
        var call = sites.calls.partitioningIndex { $0.codeOffset > function.codeStart }
        var trap = sites.traps.partitioningIndex { $0.codeOffset >= function.codeStart }
        while true {
            // Code returns behind a call, which is the place that is looked for.
            let nextCall = call < sites.calls.count ? sites.calls[call].codeOffset &- 1 : .max
            let nextTrap = trap < sites.traps.count ? sites.traps[trap].codeOffset : .max
            guard min(nextCall, nextTrap) < end else { return }
            if nextCall < nextTrap {
                body(nextCall, ownOffset(sites.calls[call].bodyOffset, position))
                call += 1
            } else {
                body(nextTrap, ownOffset(sites.traps[trap].bodyOffset, position))
                trap += 1
            }
        }
    }

    /// The offset in the body of the function at `position` itself of what is listed with `offset`.
    private func ownOffset(_ offset: UInt32, _ position: Int) -> UInt32 {
        var own = offset
        sites.forEachPlace(of: offset, in: functions[position]) { _, place in own = place }
        return own
    }
}
