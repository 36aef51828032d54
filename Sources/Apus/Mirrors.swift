internal import ApusFormat
internal import ApusRuntime

// What `dump`, `String(reflecting:)` and tools of tests see of engines and of what belongs to them:
// what each is, not what it leads to. Without this they would walk from a trap to the whole engine,
// which takes long, and would read what other threads change meanwhile, without their locks.

extension Engine: CustomReflectable {
    /// How it was set up: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["configuration": configuration], displayStyle: .class)
    }
}

extension Store: CustomReflectable {
    /// What its guests may use, and what the host keeps with it: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["limits": limits, "data": data as Any], displayStyle: .class)
    }
}

extension Module: CustomReflectable {
    /// What compiling it took and gave: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["statistics": statistics], displayStyle: .struct)
    }
}

extension PreparedModule: CustomReflectable {
    /// The module: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["module": module], displayStyle: .struct)
    }
}

extension Linker: CustomReflectable {
    /// How many things it knows: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["definitionCount": definitionCount], displayStyle: .struct)
    }
}

extension Instance: CustomReflectable {
    /// How far it has come, and what the host gave it: what tools show of it.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: ["isInitialized": isInitialized, "hostState": hostState as Any],
            displayStyle: .struct)
    }
}

extension Function: CustomReflectable {
    /// Its type: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type], displayStyle: .struct)
    }
}

extension TypedFunction: CustomReflectable {
    /// The same function without Swift types: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["function": function], displayStyle: .struct)
    }
}

extension Memory: CustomReflectable {
    /// Its type and size: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type, "byteCount": byteCount], displayStyle: .struct)
    }
}

extension SharedMemory: CustomReflectable {
    /// Its type and size: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type, "byteCount": byteCount], displayStyle: .struct)
    }
}

extension Table: CustomReflectable {
    /// Its type and size: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type, "count": count], displayStyle: .struct)
    }
}

extension Global: CustomReflectable {
    /// Its type, and the number in it if it is one: what tools show of it.
    public var customMirror: Mirror {
        let number = type.value.isReference ? nil : try? value
        return Mirror(
            self, children: ["type": type, "value": number as Any], displayStyle: .struct)
    }
}

extension Tag: CustomReflectable {
    /// What its exceptions carry: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["parameters": parameters], displayStyle: .struct)
    }
}

extension Trap: CustomReflectable {
    /// What happened, and how many functions of guests were running: what tools show of it. Its
    /// description has these one by one.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "code": code, "message": message as Any, "interruption": interruption as Any,
                "frameCount": backtrace.count, "isTruncated": isTruncated,
            ], displayStyle: .struct)
    }
}

extension Trap.Frame: CustomReflectable {
    /// Which function it is, and where in it the guest was: what tools show of it.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: ["function": function, "offset": offset, "bodyOffset": bodyOffset],
            displayStyle: .struct)
    }
}

extension Debugger: CustomReflectable {
    /// Where guests stop by themselves: what tools show of it.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "stopsOnTraps": stopsOnTraps, "stopsOnExceptions": stopsOnExceptions,
            ], displayStyle: .class)
    }
}

extension DebugSession: CustomReflectable {
    /// How often guests have gone on.
    var customMirror: Mirror {
        Mirror(self, children: ["generation": generation], displayStyle: .class)
    }
}

extension Profiler: CustomReflectable {
    /// From one look to the next: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["period": period], displayStyle: .class)
    }
}
